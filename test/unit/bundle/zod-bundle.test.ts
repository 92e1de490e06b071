import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
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

const LOCALES = `// Each has its file.
export { default as frCA } from "./fr-CA.js";
export { default as de } from "./de.js";
export { default as en } from "./en.js";
`;
const WHOLE = {
  "v4/locales/index.js": LOCALES,
  "v4/locales/en.js": `export default () => "English";`,
  "v4/locales/fr-CA.js": `export default () => "Français";`,
  "v4/locales/fr-CA.cjs": `module.exports = () => "Français";`,
  "v4/locales/de.cjs": `exports.default = () => "Deutsch";`,
  "v4/locales/package.json": `{ "type": "commonjs" }`,
  "v4/core/index.js": `export const core = {};`,
  "v4/classic/external.js": `export * from "../core/index.js"; export * from "./schemas.js";`,
  "v4/classic/schemas.js": `export const object = () => "object";`,
};

describe("modules that stand in for those of zod", () => {
  test("are one for each folder, and leave outside what lies outside", async () => {
    addZod("4.1.0", WHOLE);
    expect(await placeZodBundle(root)).toEqual({
      version: "4.1.0",
      standIns: { "v4/locales/index.js": "zod-locales.mjs", "v4/classic/external.js": "zod-classic.mjs" },
    });
    const { core } = await import(join(root, "node_modules/zod/v4/core/index.js"));
    const classic = await import(join(root, "zod-classic.mjs"));
    expect(classic.core).toBe(core);
    expect(classic.object()).toBe("object");
  });

  test("load a language when it is asked for", async () => {
    addZod("4.1.0", WHOLE);
    await placeZodBundle(root);
    const languages = await import(join(root, "zod-locales.mjs"));
    expect(Object.keys(languages)).toEqual(["de", "en", "frCA"]);
    expect(readFileSync(join(root, "zod-locales.mjs"), "utf8")).not.toMatch(/Deutsch|English|Français/);
    expect([languages.en(), languages.frCA(), languages.de()]).toEqual(["English", "Français", "Deutsch"]);
  });

  test("find zod and its languages where pnpm puts them", async () => {
    addZod("4.1.0", WHOLE);
    const real = join(root, "node_modules/.pnpm/zod@4.1.0/node_modules/zod");
    mkdirSync(dirname(real), { recursive: true });
    renameSync(join(root, "node_modules/zod"), real);
    symlinkSync(real, join(root, "node_modules/zod"));
    await placeZodBundle(root);
    expect((await import(join(root, "zod-classic.mjs"))).object()).toBe("object");
    expect((await import(join(root, "zod-locales.mjs"))).frCA()).toBe("Français");
  });

  test("are one with all in it, where nothing but zod itself is imported", async () => {
    addZod("4.1.0", WHOLE);
    const made = await placeZodBundle(root, { alone: true });
    expect(made?.standIns).toEqual({ "v4/classic/external.js": "zod-classic.mjs" });
    expect(readFileSync(join(root, "zod-classic.mjs"), "utf8")).not.toMatch(/\/v4\/core\//);
    expect((await import(join(root, "zod-classic.mjs"))).object()).toBe("object");
  });

  test("are as good where their folder and zod have been moved to", async () => {
    addZod("4.1.0", WHOLE);
    await placeZodBundle(root);
    const moved = `${root} moved`;
    renameSync(root, moved);
    root = moved;
    expect((await import(join(root, "zod-classic.mjs"))).object()).toBe("object");
    expect((await import(join(root, "zod-locales.mjs"))).frCA()).toBe("Français");
  });

  test("are not made for zod 3, nor where there is no zod", async () => {
    expect(await placeZodBundle(root)).toBeUndefined();
    addZod("3.25.76", WHOLE);
    expect(await placeZodBundle(root)).toBeUndefined();
  });

  test("are not made of a zod that looks otherwise", async () => {
    addZod("4.9.0", { "v4/locales/index.js": "" });
    expect(await placeZodBundle(root)).toBeUndefined();
    for (const line of [`export * as de from "./de.js";`, `export { default as it } from "./it.js";`]) {
      addZod("4.9.0", { ...WHOLE, "v4/locales/index.js": line });
      expect(await placeZodBundle(root), line).toBeUndefined();
    }
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
