import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Bundle } from "../../../runtime/bundle/bundle.ts";
import { layOut, type ProgramPlace, readProgram } from "../../../runtime/versions/program.ts";

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "program-")));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(path: string, text: string): string {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
  return join(dir, path);
}

function bundle(path: string, preload: readonly string[] = []): Bundle {
  return { handler: "save", version: "abc", path, preload, companions: [], inputs: [], sizeBytes: 1 };
}

const urlOf = (path: string) => pathToFileURL(join(dir, path)).href;

describe("a program from sources", () => {
  const placeIn = (root: string): ProgramPlace => {
    return { made: "sources", rootDir: join(dir, root), sdkUrl: urlOf(`${root}/.handlers/program/sdk.mjs`) };
  };

  it("runs below another root as it did below its own, with what it runs by its place (P1, P2)", async () => {
    const place = placeIn("here");
    const folder = "here/.handlers/build/1-0";
    const worker = write(`${folder}/worker.1.mjs`, `var at = "${urlOf("here/handlers/worker.ts")}";\n`);
    const code = [
      `var url = "${pathToFileURL(worker).href}", path = "${join(dir, "here/handlers/save.ts")}";`,
      `import { define } from "${urlOf("here/.handlers/program/sdk.mjs")}"; import "${urlOf("here/node_modules/a/index.js")}";`,
      `const kept = "${join(dir, "herewith")}" + '${join(dir, "here")}';`,
    ].join("\n");
    const main = write(`${folder}/save.abc.mjs`, code);
    write(`${folder}/save.abc.mjs.map`, JSON.stringify({ sources: ["../../../handlers/save.ts"], mappings: "" }));
    const preload = write(`${folder}/@preload.1.mjs`, "1;\n");

    const program = await readProgram(bundle(main, [preload]), place);
    expect(program).toMatchObject({ entry: "save.abc.mjs", preload: ["@preload.1.mjs"] });
    expect(program.files.map(({ path }) => path)).toEqual(["save.abc.mjs", "@preload.1.mjs", "worker.1.mjs"]);
    const to = "there/.handlers/versions/2-0/0";
    const laidOut = await layOut(program, placeIn("there"), join(dir, to));

    expect(laidOut).toEqual({ path: join(dir, to, "save.abc.mjs"), preload: [join(dir, to, "@preload.1.mjs")] });
    expect(readFileSync(laidOut.path, "utf8")).toBe(
      [
        `var url = "${urlOf(`${to}/worker.1.mjs`)}", path = "${join(dir, "there/handlers/save.ts")}";`,
        `import { define } from "${urlOf("there/.handlers/program/sdk.mjs")}"; import "${urlOf("there/node_modules/a/index.js")}";`,
        `const kept = "${join(dir, "herewith")}" + '${join(dir, "there")}';`,
      ].join("\n"),
    );
    expect(readFileSync(join(dir, to, "worker.1.mjs"), "utf8")).toBe(
      `var at = "${urlOf("there/handlers/worker.ts")}";\n`,
    );
    const map = JSON.parse(readFileSync(`${laidOut.path}.map`, "utf8"));
    expect(join(dir, to, map.sources[0])).toBe(join(dir, "there/handlers/save.ts"));
  });

  it("whose files are gone is not read", async () => {
    await expect(readProgram(bundle(join(dir, "gone.mjs")), placeIn("here"))).rejects.toThrow("ENOENT");
  });
});

describe("a program of a build", () => {
  const placeIn = (build: string): ProgramPlace => {
    return { made: "build", dir: join(dir, build), rootDir: dir, runtime: "1.0.0" };
  };

  it("finds beside it what the build has there, and in its own place what it brings (P3)", async () => {
    write("one/handlers/todo/worker.1.mjs", "export const worker = 1;\n");
    const code = `var w = new URL("./worker.1.mjs", import.meta.url).href, t = new URL("./mail.ts", import.meta.url).href;\nexport {};\n`;
    const main = write("one/handlers/todo/save.1.mjs", code);
    const program = await readProgram(bundle(main), placeIn("one"));
    write("two/handlers/todo/save.2.mjs", "2");
    write("two/handlers/todo/mail.html", "<p>");
    write("two/handlers/other.mjs", "other");
    write("two/node_modules/a/index.js", "a");

    const { path } = await layOut(program, placeIn("two"), join(dir, "laid"));
    expect(path).toBe(join(dir, "laid/handlers/todo/save.1.mjs"));
    expect(readFileSync(path, "utf8")).toBe(code);
    const read = (file: string) => readFileSync(join(dir, "laid", file), "utf8");
    expect(read("handlers/todo/worker.1.mjs")).toBe("export const worker = 1;\n");
    expect(read("handlers/todo/mail.html")).toBe("<p>");
    expect(read("handlers/other.mjs")).toBe("other");
    expect(read("node_modules/a/index.js")).toBe("a");
    expect(() => readFileSync(join(dir, "two/handlers/todo/save.1.mjs"))).toThrow("ENOENT");
  });
});
