import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BundledProject, createBundledProject } from "../../support/bundled-project.ts";

let project: BundledProject;

beforeEach(() => {
  // As awkward a path as people have.
  project = createBundledProject("a project %20é-");
  project.write(
    "handlers/_first.ts",
    `((globalThis as any).order ??= []).push("first"); process.env.SET_FIRST = "set";`,
  );
  project.write("handlers/_second.ts", `((globalThis as any).order ??= []).push("second");`);
  const ran = (name: string) => `(globalThis.order ??= []).push("${name}");`;
  project.addPackage(
    "old",
    { main: "i.js" },
    {
      "i.js": `${ran("old")} exports.seen = process.env.SET_FIRST ?? "unset"; exports.default = "own"; exports.__esModule = true;`,
    },
  );
  project.addPackage(
    "modern",
    { type: "module", exports: "./i.js" },
    {
      "i.js": `${ran("modern")} export const seen = process.env.SET_FIRST ?? "unset"; export const other = 2; export default "d";`,
    },
  );
  project.addPackage(
    "awaiting",
    { type: "module", exports: "./i.js" },
    { "i.js": `${ran("awaiting")} export const late = await 3;` },
  );
  project.addPackage(
    "typed",
    { main: "i.js" },
    { "i.js": `${ran("typed")} module.exports = function typed() {}; exports.x = 1;` },
  );
});

afterEach(() => project.remove());

const ways = [
  { way: "dev", run: (file: Parameters<BundledProject["inDev"]>[0]) => project.inDev(file) },
  { way: "a build", run: (file: Parameters<BundledProject["inDev"]>[0]) => project.inBuild(file) },
  {
    way: "a build with its packages outside",
    run: (file: Parameters<BundledProject["inDev"]>[0]) =>
      project.inBuild(file, ["old", "modern", "awaiting", "typed"]),
  },
];

describe.each(ways)("in $way", ({ run }) => {
  function written(content: string, extension = ".ts") {
    const file = project.handler("a", extension);
    project.write(file.displayPath, content);
    return run(file);
  }

  test("what is imported runs in the order of the imports, the author's own modules before later packages", async () => {
    const order = `export default () => [(globalThis as any).order,`;
    expect(
      await written(`import "./_first.ts"; import { seen } from "old"; import "./_second.ts";
        import d, { seen as again, other } from "modern"; ${order} seen, again, other, d];`),
    ).toEqual([["first", "old", "second", "modern"], "set", "set", 2, "d"]);
  });

  test("a package imported before the author's modules runs before them", async () => {
    expect(
      await written(`import * as old from "old"; import "./_first.ts"; import "modern"; import { late } from "awaiting";
        export default () => [(globalThis as any).order, old.seen, late];`),
    ).toEqual([["old", "first", "modern", "awaiting"], "unset", 3]);
  });

  test("what a module of the author's exports on from a package is there, in order", async () => {
    project.write(
      "handlers/_all.ts",
      `import "./_first.ts"; export * from "modern"; export { seen as oldSeen } from "old";`,
    );
    expect(
      await written(`import * as all from "./_all.ts"; import { other } from "./_all.ts";
        export default () => [(globalThis as any).order, all.seen, other, all.oldSeen];`),
    ).toEqual([["first", "modern", "old"], "set", 2, "set"]);
  });

  test("a module that is imported when a message comes loads its packages then", async () => {
    project.write(
      "handlers/_heavy.ts",
      `import { seen } from "modern"; import old from "old"; export const both = [seen, old.seen];`,
    );
    expect(
      await written(`process.env.SET_FIRST = "late";
        export default async () => { const { both } = await import("./_heavy.ts"); return [both, (globalThis as any).order]; };`),
    ).toEqual([
      ["late", "late"],
      ["modern", "old"],
    ]);
  });

  test("a module that is required loads its packages then", async () => {
    project.write(
      "handlers/_lazy.ts",
      `import "./_first.ts"; import d, { seen } from "old"; export const both = [seen, d.default];`,
    );
    expect(
      await written(`import "./_second.ts"; const { both } = require("./_lazy.ts");
        export default () => [both, (globalThis as any).order];`),
    ).toEqual([
      ["set", "own"],
      ["second", "first", "old"],
    ]);
  });

  test("a name that a later package does not export is an error, as it is in Node", async () => {
    project.write(
      "handlers/a.js",
      `import "./_first.ts"; import { nothing } from "modern"; export default () => nothing;`,
    );
    await expect(run(project.handler("a", ".js"))).rejects.toThrow(/nothing/);
  });

  test.each([".ts", ".mts", ".js", ".mjs"])(
    "the default import of a CommonJS package is module.exports in %s",
    async (extension) => {
      const content = `import old from "old"; import typed from "typed"; export default () => [Object.keys(old), typeof typed];`;
      const expected = [["seen", "default", "__esModule"], "function"];
      expect(await written(content, extension)).toEqual(expected);
      project.write("package.json", `{"type":"module"}`);
      expect(await written(`${content}//2`, extension)).toEqual(expected);
    },
  );

  test("modules of the author's run though its package.json says sideEffects: false", async () => {
    project.write("package.json", `{"sideEffects":false}`);
    expect(await written(`import "./_first"; export default () => process.env.SET_FIRST;`)).toBe("set");
  });

  test("what stands in texts, patterns and comments stays as it is", async () => {
    const content = [
      `import { z } from "zod";`,
      "const text = `",
      `import { z } from "zod";`,
      "import.meta.url __dirname 1`;",
      `/* import.meta.dirname */ const named = "__esm({ \\"x\\"() {";`,
      `export default () => ["import.meta.url", 'see import.meta.dirname', /import.meta.url/.source, text, named, typeof z];`,
    ].join("\n");
    project.addPackage(
      "zod",
      { type: "module", exports: "./i.js" },
      { "i.js": "export const z = {}; export const a = 1;" },
    );
    expect(await written(content)).toEqual([
      "import.meta.url",
      "see import.meta.dirname",
      "import.meta.url",
      `\nimport { z } from "zod";\nimport.meta.url __dirname 1`,
      `__esm({ "x"() {`,
      "object",
    ]);
  });

  test("__dirname, __filename and import.meta are the file's own, CommonJS and workspace packages included", async () => {
    project.write("lib/place.cjs", "module.exports = [__dirname, __filename];");
    project.write("lib/old.cts", "module.exports = [__dirname, __filename];");
    project.write(
      "lib/deep/m.ts",
      "const { url, filename } = import.meta; export default [url === import.meta.url, filename, import.meta.dirname];",
    );
    const places = (await written(
      `import c from "../lib/place.cjs"; import o from "../lib/old.cts"; import m from "../lib/deep/m.ts";
       export default () => [c, o, m, __filename, import.meta.resolve("./x")].flat();`,
    )) as unknown[];
    const ends = ["lib", "lib/place.cjs", "lib", "lib/old.cts", true, "lib/deep/m.ts", "lib/deep"];
    for (const [at, end] of ends.entries()) {
      if (typeof end === "string") expect(String(places[at]).endsWith(`/${end}`), `${places[at]} ${end}`).toBe(true);
      else expect(places[at]).toBe(end);
    }
    expect(String(places[7])).toMatch(/\/handlers\/a\.ts$/);
    expect(String(places[8])).toMatch(/^file:.*\/handlers\/x$/);
  });

  test.each([".cjs", ".cts", ".js"])("a handler may be CommonJS, in %s", async (extension) => {
    expect(await written(`exports.metadata = {}; exports.default = () => "ran";`, extension)).toBe("ran");
  });
});

test("a stack points into the source, though imports before it were put in order", async () => {
  const file = project.handler("a");
  project.write(
    file.displayPath,
    `import "./_first.ts"; import { seen } from "old";\nexport default () => { throw new Error(seen); };`,
  );
  for (const run of [project.inDev(file), project.inBuild(file, ["old"])]) {
    await expect(run).rejects.toThrow(/handlers\/a\.ts:2:30/);
  }
});
