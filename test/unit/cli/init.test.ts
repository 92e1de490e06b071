import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEV_PACKAGES, PACKAGES, projectFiles } from "../../../runtime/cli/project-files.ts";
import { run } from "../../../runtime/cli/run.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const root = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nats-handlers-init-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function init(args: readonly string[], ask?: (question: string) => Promise<string | undefined>) {
  const terminal = fakeTerminal({ cwd: folder, ...(ask === undefined ? {} : { ask }) });
  return { code: await run(["init", ...args], terminal), stdout: terminal.stdout(), stderr: terminal.stderr() };
}

const manifest = (dir = "") => JSON.parse(readFileSync(join(folder, dir, "package.json"), "utf8"));

describe("nats-handlers init", () => {
  it("writes a project into a folder that need not be there, and says what to do next", async () => {
    const { code, stdout } = await init(["My Shop"]);
    expect(code).toBe(0);
    expect(manifest("My Shop").name).toBe("my-shop");
    expect(readFileSync(join(folder, "My Shop/handlers.config.ts"), "utf8")).toContain('app: "my-shop"');
    expect(stdout).toMatch(/cd "My Shop"\n {2}npm install\n {2}npm test\n {2}npm run dev\n/);
  });

  it("asks nobody where nobody sits at a terminal: the folder it is called in, and its name", async () => {
    const { code, stdout } = await init([]);
    expect(code).toBe(0);
    expect(manifest().name).toMatch(/^nats-handlers-init-/);
    expect(stdout).not.toContain("cd ");
  });

  it("asks at a terminal for what was not said; an empty line is the default", async () => {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return asked.length === 1 ? "shop" : "";
    };
    expect(await init([], ask)).toMatchObject({ code: 0 });
    expect(asked).toEqual(["Folder of the project (.): ", "Its name (shop): "]);
    expect(manifest("shop").name).toBe("shop");
    expect((await init(["other", "--name", "till"], () => Promise.reject(new Error("asked")))).code).toBe(0);
    expect(manifest("other").name).toBe("till");
  });

  it("writes nothing when the question is left with Ctrl-C", async () => {
    expect(await init([], async () => undefined)).toMatchObject({ code: 130 });
    expect(globSync("**", { cwd: folder })).toEqual(["."]);
  });

  it("never writes over a file: it names what it left, and what an old package lacks", async () => {
    writeFileSync(join(folder, "package.json"), "mine");
    writeFileSync(join(folder, "README.md"), "mine too");
    const { code, stdout } = await init([]);
    expect(code).toBe(0);
    expect(readFileSync(join(folder, "package.json"), "utf8")).toBe("mine");
    expect(readFileSync(join(folder, "README.md"), "utf8")).toBe("mine too");
    expect(existsSync(join(folder, "handlers/orders/place.ts"))).toBe(true);
    expect(stdout).toContain("left as it was: package.json, README.md");
    expect(stdout).toContain("npm install nats-handlers zod\n");
    expect(stdout).toContain('npm pkg set type=module scripts.dev="handlers dev"');
  });

  it.each(["Shop", "-shop", "my shop", "../shop", ""])("refuses the name %j", async (name) => {
    expect(await init(["--name", name])).toMatchObject({ code: 2, stderr: expect.stringContaining("--name needs") });
  });

  it("says where it could not write", async () => {
    writeFileSync(join(folder, "handlers"), "a file");
    expect(await init([])).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot be written") });
  });
});

describe("what is written", () => {
  const files = projectFiles({ name: "shop", runtimeVersion: "1.2.3" });

  it("has a Dockerfile like ours, but for where nats-handlers lies, and without the image for the sample's volume", () => {
    const instructions = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const ours = instructions(root("Dockerfile")).join("\n");
    const expected = ours
      .replace("/app/bin/handlers.mjs", "/app/node_modules/nats-handlers/bin/handlers.mjs")
      .replace(/FROM sources AS dev[\s\S]*?(?=FROM sources AS build)/, "")
      .replace(/LABEL (?:.*\\\n)*.*\n/, "");
    expect(instructions(files.Dockerfile ?? "").join("\n")).toBe(expected);
  });

  it("needs the packages that this was tested with", () => {
    const { dependencies, devDependencies } = JSON.parse(root("package.json"));
    const tested = { ...dependencies, ...devDependencies };
    for (const [name, range] of Object.entries({ ...PACKAGES, ...DEV_PACKAGES })) {
      expect(range, name).toBe(`^${String(tested[name]).replace(/^\^/, "")}`);
    }
  });

  it("has no template marks left, and lines that fit", () => {
    for (const [path, text] of Object.entries(files)) {
      expect(text, path).not.toMatch(/undefined|\\`/);
      if (path.endsWith(".ts")) for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(120);
    }
  });
});
