import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { placeZodBundle } from "../../../runtime/bundle/zod-bundle.ts";

const ZOD = fileURLToPath(new URL("../../../node_modules/zod/", import.meta.url));
let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "stand-ins-")));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function addZod(version: string, files: Readonly<Record<string, string>>) {
  const folder = join(root, "node_modules", "zod");
  const all = { ...files, "package.json": JSON.stringify({ name: "zod", version, type: "module" }) };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

function read(urls: Readonly<Record<string, string>> = {}): string[] {
  return Object.values(urls).map((url) => readFileSync(fileURLToPath(url), "utf8"));
}

const WHOLE = {
  "v4/locales/index.js": `export { default as de } from "./de.js";`,
  "v4/locales/de.js": `import * as util from "../core/util.js"; export default () => util.said("ü");`,
  "v4/classic/external.js": `export * from "../core/index.js"; export * from "./schemas.js";`,
  "v4/classic/schemas.js": `export const object = () => "object";`,
};

describe("modules that stand in for those of zod", () => {
  test("are one for each folder, and leave outside what lies outside", async () => {
    addZod("4.1.0", WHOLE);
    const made = await placeZodBundle(root);
    expect(made).toMatchObject({ version: "4.1.0", manifest: join(root, "node_modules/zod/package.json") });
    expect(Object.keys(made?.urls ?? {})[0]).toMatch(/\/zod\/v4\/locales\/index\.js$/);
    const [locales, classic] = read(made?.urls);
    expect(locales).toContain("node_modules/zod/v4/core/util.js");
    expect(classic).toContain(`node_modules/zod/v4/core/index.js`);
    expect(classic).toContain(`"object"`);
  });

  test("are not made for zod 3, nor where there is no zod", async () => {
    expect(await placeZodBundle(root)).toBeUndefined();
    addZod("3.25.76", WHOLE);
    expect(await placeZodBundle(root)).toBeUndefined();
  });

  test("are not made of a zod that looks otherwise", async () => {
    addZod("4.9.0", { "v4/locales/index.js": "" });
    expect(await placeZodBundle(root)).toBeUndefined();
  });

  test("are made once, and anew when they are broken or zod is another", async () => {
    addZod("4.1.0", WHOLE);
    await placeZodBundle(root);
    const path = join(root, "zod-classic.mjs");
    const whole = readFileSync(path, "utf8");
    const made = () => statSync(path, { bigint: true }).ino;

    const first = made();
    await placeZodBundle(root);
    expect(made()).toBe(first);

    for (const broken of ["", whole.slice(0, -10), whole.slice(0, 30), whole.replace("object", "abject")]) {
      writeFileSync(path, broken);
      await placeZodBundle(root);
      expect(readFileSync(path, "utf8")).toBe(whole);
    }

    const schemas = join(root, "node_modules/zod/v4/classic/schemas.js");
    writeFileSync(schemas, WHOLE["v4/classic/schemas.js"].replace(`"object"`, `"abject"`));
    utimesSync(schemas, 1, 1); // As packages are unpacked: an old time, only another one.
    await placeZodBundle(root);
    expect(readFileSync(path, "utf8")).toContain("abject");

    addZod("4.2.0", WHOLE);
    await placeZodBundle(root);
    expect(readFileSync(path, "utf8")).toContain(`"object"`);
    expect(readdirSync(root).sort()).toEqual(["node_modules", "zod-classic.mjs", "zod-locales.mjs"]);
  });

  test("stand in for folders that nobody enters by another door", () => {
    const files = readdirSync(ZOD, { recursive: true, encoding: "utf8" }).filter((file) =>
      /^(?!src|v3).*\.js$/.test(file),
    );
    const entered = files.flatMap((file) => {
      const folder = dirname(file);
      const imports = [...readFileSync(join(ZOD, file), "utf8").matchAll(/^(?:import|export)[^"]*"(\.[^"]*)";$/gm)];
      const targets = imports.map(([, path]) => resolve(ZOD, folder, path!).slice(ZOD.length));
      return targets.filter((target) => dirname(target) !== folder);
    });
    const doors = new Set(entered.filter((target) => /^v4\/(locales|classic)\//.test(target)));
    const classic = ["v4/classic/external.js", "v4/classic/index.js"];
    expect([...doors].sort()).toEqual([...classic, "v4/locales/en.js", "v4/locales/index.js"]);
    // Has nothing of its own.
    expect(readFileSync(join(ZOD, "v4/classic/index.js"), "utf8").match(/"\.[^"]*"/g)).toEqual([
      `"./external.js"`,
      `"./external.js"`,
    ]);
  });
});
