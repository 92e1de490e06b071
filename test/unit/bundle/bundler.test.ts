import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bundle } from "../../../runtime/bundle/bundle.ts";
import { type BuildResult, type Bundler, createBundler } from "../../../runtime/bundle/bundler.ts";
import type { HandlerFile } from "../../../runtime/discover/handler-file.ts";
import { describeError } from "../../../runtime/errors.ts";

let root = "";
let sdkUrl = "";
let bundler: Bundler;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "bundler-")));
  sdkUrl = pathToFileURL(join(root, "sdk/index.mjs")).href;
  write("sdk/index.mjs", "export const defineHandler = (metadata, run) => run;");
  bundler = createBundler({ rootDir: root, buildDir: join(root, ".handlers/build"), sdkUrl });
});

afterEach(async () => {
  await bundler.close();
  expect(readdirSync(join(root, ".handlers/build"))).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, content: string): string {
  const absolute = join(root, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, content);
  return absolute;
}

function handler(name: string, extension = ".ts"): HandlerFile {
  const displayPath = `handlers/${name}${extension}`;
  return { name, path: join(root, displayPath), displayPath };
}

function writeHandler(name: string, content: string): HandlerFile {
  const file = handler(name);
  write(file.displayPath, content);
  return file;
}

function addPackage(path: string, manifest: object, files: Record<string, string>) {
  write(`${path}/package.json`, JSON.stringify(manifest));
  for (const [name, content] of Object.entries(files)) write(`${path}/${name}`, content);
}

async function built(file: HandlerFile): Promise<Bundle> {
  const result = await bundler.build(file);
  if (!result.ok) throw new Error(describeError(result.error));
  return result.bundle;
}

async function failure(file: HandlerFile): Promise<Extract<BuildResult, { ok: false }>> {
  const result = await bundler.build(file);
  if (result.ok) throw new Error("built, though it should not");
  return result;
}

/** What the bundle's default export is, evaluated as a worker would: in a process of its own. */
function evaluate(bundle: Bundle): unknown {
  const code = `import(${JSON.stringify(pathToFileURL(bundle.path).href)}).then((m) => console.log(JSON.stringify(m.default)))`;
  const { stdout, stderr } = run(["--input-type=module", "-e", code]);
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

function run(args: string[]) {
  return spawnSync(process.execPath, ["--enable-source-maps", ...args], { encoding: "utf8", cwd: tmpdir() });
}

function filesBuilt(): string[] {
  const folder = join(root, ".handlers/build");
  return readdirSync(folder)
    .flatMap((name) => readdirSync(join(folder, name)))
    .sort();
}

const relativeToRoot = (paths: readonly string[]) => paths.map((path) => path.slice(root.length + 1)).sort();

test("a bundle holds the handler and the author's own modules, and is named by its content", async () => {
  write("handlers/todo/_shared.ts", "export const two: number = 2;");
  const file = writeHandler("todo/save", `import { two } from "./_shared"; export default [1, two];`);
  const bundle = await built(file);
  expect(evaluate(bundle)).toEqual([1, 2]);
  expect(bundle.handler).toBe("todo/save");
  expect(bundle.version).toMatch(/^[0-9a-f]{12}$/);
  expect(filesBuilt()).toEqual([`todo__save.${bundle.version}.mjs`, `todo__save.${bundle.version}.mjs.map`]);
  expect(relativeToRoot(bundle.inputs)).toEqual(["handlers/todo/_shared.ts", "handlers/todo/save.ts"]);
  expect(bundle.sizeBytes).toBeGreaterThan(0);
});

test("the same code has the same version in another folder, and other code another version", async () => {
  const source = `import { defineHandler } from "nats-handlers"; import { effect } from "nats-handlers/effect"; export default defineHandler(effect, 1);`;
  const first = await built(writeHandler("a", source));
  const other = realpathSync(mkdtempSync(join(tmpdir(), "bundler-elsewhere-")));
  mkdirSync(join(other, "handlers"));
  writeFileSync(join(other, "handlers/a.ts"), source);
  const elsewhere = createBundler({
    rootDir: other,
    buildDir: join(other, ".handlers/build"),
    sdkUrl: "file:///other.mjs",
  });
  const second = await elsewhere.build({ name: "a", path: join(other, "handlers/a.ts"), displayPath: "handlers/a.ts" });
  await elsewhere.close();
  rmSync(other, { recursive: true });
  expect(second.ok && second.bundle.version).toBe(first.version);
  const third = await built(writeHandler("a", `export default 2;`));
  expect(third.version).not.toBe(first.version);
});

test("nats-handlers is the sdk the worker runs on, by import and by require", async () => {
  const file = writeHandler(
    "same",
    `import { defineHandler } from "nats-handlers";
     export default defineHandler === require("nats-handlers").defineHandler;`,
  );
  expect(evaluate(await built(file))).toBe(true);
});

test("what lies beside the sdk's entry is the runtime's own as well", async () => {
  write("sdk/effect.mjs", "export const effect = () => 7;");
  const file = writeHandler(
    "effect",
    `import { effect } from "nats-handlers/effect";
     export default effect();`,
  );
  expect(evaluate(await built(file))).toBe(7);
});

test("packages stay out by their name when Node finds the same one from the build folder", async () => {
  addPackage("node_modules/plain", { name: "plain", main: "lib.js" }, { "lib.js": "module.exports = { plain: 1 };" });
  const bundle = await built(writeHandler("a", `import lib from "plain"; export default lib;`));
  expect(evaluate(bundle)).toEqual({ plain: 1 });
  expect(bundle.inputs).toHaveLength(1);
});

test("a package that only the handler's own folder has stays out by its absolute path", async () => {
  addPackage("node_modules/twice", { name: "twice", main: "i.js" }, { "i.js": "module.exports = 'outer';" });
  addPackage(
    "handlers/todo/node_modules/twice",
    { name: "twice", main: "i.js" },
    { "i.js": "module.exports = 'inner';" },
  );
  const bundle = await built(writeHandler("todo/a", `import a from "twice"; export default [a, require("twice")];`));
  expect(evaluate(bundle)).toEqual(["inner", "inner"]);
});

test("a package file named without its extension loads, though Node alone would not find it", async () => {
  addPackage("node_modules/old", { name: "old", main: "i.js" }, { "i.js": "", "lib/x.js": "module.exports = 'x';" });
  expect(evaluate(await built(writeHandler("a", `import x from "old/lib/x"; export default x;`)))).toBe("x");
});

test("TypeScript and JSON in a package are bundled, because Node would refuse them", async () => {
  addPackage(
    "node_modules/src",
    { name: "src", exports: { ".": "./i.ts", "./d": "./d.json" } },
    { "i.ts": "export const n: number = 3;", "d.json": `{"d":4}` },
  );
  expect(
    evaluate(
      await built(writeHandler("a", `import { n } from "src"; import d from "src/d"; export default [n, d.d];`)),
    ),
  ).toEqual([3, 4]);
});

test("a workspace package linked into node_modules is the author's own code", async () => {
  addPackage(
    "packages/shared",
    { name: "shared", exports: "./i.ts" },
    { "i.ts": "export const shared: string = 'yes';" },
  );
  mkdirSync(join(root, "node_modules"));
  symlinkSync(join(root, "packages/shared"), join(root, "node_modules/shared"));
  const bundle = await built(writeHandler("a", `import { shared } from "shared"; export default shared;`));
  expect(evaluate(bundle)).toBe("yes");
  expect(relativeToRoot(bundle.inputs)).toContain("packages/shared/i.ts");
});

test("paths of tsconfig.json are honoured, and a change to it concerns the handler", async () => {
  write("tsconfig.json", `{ "compilerOptions": { "paths": { "@/*": ["./lib/*"], "db": ["./lib/db.ts"] } } }`);
  write("lib/db.ts", "export const db = 1;");
  const bundle = await built(
    writeHandler("a", `import { db } from "@/db"; import { db as two } from "db"; export default [db, two];`),
  );
  expect(evaluate(bundle)).toEqual([1, 1]);
  expect(relativeToRoot(bundle.inputs)).toEqual(["handlers/a.ts", "lib/db.ts", "tsconfig.json"]);
});

test("Node's own modules, with and without node:, and the author's .node files stay out", async () => {
  write("handlers/native.node", "not really");
  const file = writeHandler(
    "a",
    `import { sep } from "path"; import { DatabaseSync } from "node:sqlite";
     export const load = () => require("./native.node");
     export default [sep, typeof DatabaseSync];`,
  );
  expect(evaluate(await built(file))).toEqual(["/", "function"]);
});

test("import.meta, require, __filename and __dirname are those of the sources", async () => {
  write("lib/where.ts", "export const shared = [import.meta.url, import.meta.dirname];");
  const file = writeHandler(
    "todo/a",
    `import { shared } from "../../lib/where.ts";
     const { filename } = import.meta;
     export default [import.meta.url, import.meta.dirname, filename, __filename, __dirname, require("./data.json").x, shared];`,
  );
  write("handlers/todo/data.json", `{"x":7}`);
  const folder = join(root, "handlers/todo");
  expect(evaluate(await built(file))).toEqual([
    pathToFileURL(file.path).href,
    folder,
    file.path,
    file.path,
    folder,
    7,
    [pathToFileURL(join(root, "lib/where.ts")).href, join(root, "lib")],
  ]);
});

test("an author may define require, __filename and __dirname himself", async () => {
  const file = writeHandler(
    "a",
    `import { createRequire } from "node:module"; import { fileURLToPath } from "node:url";
     const require = createRequire(import.meta.url);
     const __filename = fileURLToPath(import.meta.url); const __dirname = "mine";
     export default [typeof require("fs"), __filename, __dirname];`,
  );
  expect(evaluate(await built(file))).toEqual(["object", file.path, "mine"]);
});

test("a stack points into the TypeScript, line and column, with absolute paths", async () => {
  write(
    "handlers/todo/_deep.ts",
    `\ninterface X { a: 1 }\nexport function deep(_x: X): never {\n  throw new Error(import.meta.filename + "deep");\n}`,
  );
  const file = writeHandler(
    "todo/save",
    `import { deep } from "./_deep";\ntype T = 1;\n\nexport default deep({ a: 1 as T });\n`,
  );
  const { stderr } = run([(await built(file)).path]);
  expect(stderr).toContain(`${join(root, "handlers/todo/_deep.ts")}:4:9`);
  expect(stderr).toContain(`${file.path}:4:16`);
});

test("a syntax error names file, line and column and shows the lines around it", async () => {
  const file = writeHandler("todo/save", `export const metadata = {};\nexport default (é) => { const = 1; };\n`);
  const { error, inputs } = await failure(file);
  expect(error.code).toBe("BUNDLE_FAILED");
  expect(error.handler).toBe("todo/save");
  expect(error.place).toEqual({ file: "handlers/todo/save.ts", line: 2, column: 31 });
  expect(error.frame).toContain("> 2 | export default (é) => { const = 1; };");
  expect(inputs).toContain(file.path);
});

test("of several errors the first is told in full and the others in a line each", async () => {
  const file = writeHandler("a", `import "./_x";\nimport "./_y";\nexport default 1;`);
  const { error } = await failure(file);
  expect(error.message).toContain(`Could not resolve "./_x"`);
  expect(error.frame).toContain(`also handlers/a.ts:2:8: Could not resolve "./_y"`);
});

test("a missing package is told with the command that installs it, and installing concerns the handler", async () => {
  const { error, inputs } = await failure(writeHandler("a", `import "@scope/pkg/sub/x"; export default 1;`));
  expect(error.remedy).toBe("Run `npm install @scope/pkg`.");
  expect(error.place?.line).toBe(1);
  expect(relativeToRoot(inputs)).toContain("node_modules/.package-lock.json");
});

test("a Node module that needs node: is suggested by its right name", async () => {
  expect((await failure(writeHandler("a", `import "sqlite"; export default 1;`))).error.remedy).toBe(
    `Did you mean "node:sqlite"?`,
  );
});

test("a package without the asked-for part is not told to be installed", async () => {
  addPackage("node_modules/has", { name: "has", exports: { ".": "./i.js" } }, { "i.js": "" });
  const { error } = await failure(writeHandler("a", `import "has/not"; export default 1;`));
  expect(error.remedy).toContain("is installed");
});

test("a failed import of a missing file lists where the file could appear", async () => {
  const { inputs, error } = await failure(writeHandler("todo/a", `import "./_missing"; export default 1;`));
  expect(relativeToRoot(inputs)).toContain("handlers/todo/_missing.ts");
  expect(relativeToRoot(inputs)).toContain("handlers/todo/_missing/index.ts");
  expect(error.remedy).toContain("no such file");
  write("handlers/todo/_missing.ts", "");
  expect((await bundler.build(handler("todo/a"))).ok).toBe(true);
});

test("a failed build still depends on what the last good one was made of", async () => {
  const shared = write("handlers/_shared.ts", "export const a = 1;");
  const file = writeHandler("a", `import { a } from "./_shared"; export default a;`);
  await built(file);
  writeFileSync(shared, "export const a = ;");
  expect((await failure(file)).inputs).toContain(shared);
  writeFileSync(file.path, "export default (");
  expect((await failure(file)).inputs).toContain(shared);
  writeFileSync(file.path, `import { a } from "./_shared"; export default a;`);
  writeFileSync(shared, "export const a = 2;");
  expect(evaluate(await built(file))).toBe(2);
});

test("a handler file that is gone is a failure, not an exception", async () => {
  expect((await failure(handler("ghost"))).error.code).toBe("BUNDLE_FAILED");
});

test("a warning of esbuild goes with the bundle it concerns", async () => {
  const file = writeHandler("a", `export default { twice: 1, twice: 2 };`);
  const others = ["b", "c", "d", "e", "f"].map((name) => writeHandler(name, "export default 1;"));
  const [result, ...rest] = await Promise.all([file, ...others].map((each) => bundler.build(each)));
  expect(result?.ok && result.warnings.map(({ place }) => place?.file)).toEqual(["handlers/a.ts"]);
  expect(rest.every((each) => each.ok && each.warnings.length === 0)).toBe(true);
});

test("among many handlers built at once only the broken ones fail", async () => {
  const files = Array.from({ length: 120 }, (_, i) =>
    writeHandler(`h${i}`, i === 60 ? "export default (" : `export default ${i};`),
  );
  const results = await Promise.all(files.map((file) => bundler.build(file)));
  expect(results.flatMap((result, i) => (result.ok ? [] : [i]))).toEqual([60]);
  const [first, second] = results;
  expect(first?.ok && evaluate(first.bundle)).toBe(0);
  expect(first?.ok && second?.ok && first.bundle.version !== second.bundle.version).toBe(true);
});

test("a mistake in a module that many share has its place in each of their failures", async () => {
  write("handlers/_shared.ts", "export const shared = 1;");
  const files = Array.from({ length: 100 }, (_, at) =>
    writeHandler(`h${at}`, `import { shared } from "./_shared"; export default [shared, ${at}];`),
  );
  // Some have been saved one by one, and are built by contexts since.
  for (const file of files.slice(0, 33)) for (let save = 0; save < 2; save++) await built(file);
  await Promise.all(files.map(built));
  write("handlers/_shared.ts", "export const shared = ");
  const places = await Promise.all(files.map(async (file) => (await failure(file)).error.place?.file));
  expect(new Set(places)).toEqual(new Set(["handlers/_shared.ts"]));
});

test("two handlers of equal content do not share a file", async () => {
  const a = await built(writeHandler("a/b", "export default import.meta.filename;"));
  const b = await built(writeHandler("a__b", "export default import.meta.filename;"));
  expect(a.path).not.toBe(b.path);
});

test("calls that wait for one handler share its build, and the last state of the file is built", async () => {
  const file = writeHandler("a", "export default 1;");
  const first = bundler.build(file);
  await Promise.resolve();
  writeFileSync(file.path, "export default 2;");
  const [, second, third] = await Promise.all([first, bundler.build(file), bundler.build(file)]);
  expect(second).toBe(third);
  expect(second.ok && evaluate(second.bundle)).toBe(2);
});

test("500 saves leave one bundle when each retires the one before", async () => {
  const file = writeHandler("a", "export default 0;");
  let serving = await built(file);
  for (let save = 1; save <= 500; save++) {
    writeFileSync(file.path, save % 5 === 0 ? "export default 'again';" : `export default ${save};`);
    const next = await built(file);
    await bundler.retire(serving);
    serving = next;
  }
  expect(filesBuilt()).toHaveLength(2);
  expect(evaluate(serving)).toBe("again");
}, 30_000);

test("going back to earlier code keeps its file while the earlier generation is retired", async () => {
  const file = writeHandler("a", "export default 1;");
  const earlier = await built(file);
  const same = await built(file);
  expect(same.version).toBe(earlier.version);
  await bundler.retire(earlier);
  await bundler.retire(earlier);
  expect(existsSync(same.path)).toBe(true);
  await bundler.retire(same);
  expect(filesBuilt()).toEqual([]);
});

test("a forgotten handler leaves no file, and can be built again", async () => {
  const file = writeHandler("a", "export default 1;");
  await built(file);
  const last = bundler.build(file);
  await bundler.forget("a");
  await last;
  await bundler.forget("a");
  expect(filesBuilt()).toEqual([]);
  expect(evaluate(await built(file))).toBe(1);
});

test("what a dead run left behind is removed, and what a living one uses is not", async () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  write(`.handlers/build/${dead}-0/a.mjs`, "");
  write(`.handlers/build/stray.mjs`, "");
  write(`.handlers/build/${process.ppid}-0/a.mjs`, "");
  const bundle = await built(writeHandler("a", "export default 1;"));
  const second = createBundler({ rootDir: root, buildDir: join(root, ".handlers/build"), sdkUrl });
  expect(existsSync(bundle.path)).toBe(true);
  expect(existsSync(join(root, `.handlers/build/${process.ppid}-0`))).toBe(true);
  expect(existsSync(join(root, `.handlers/build/${dead}-0`))).toBe(false);
  expect(existsSync(join(root, ".handlers/build/stray.mjs"))).toBe(false);
  await second.close();
  rmSync(join(root, `.handlers/build/${process.ppid}-0`), { recursive: true });
});

test("at rest it builds what is asked for, and none of its builds fails because another has ended", async () => {
  const files = Array.from({ length: 12 }, (_, at) => writeHandler(`h${at}`, `export default ${at};`));
  // With incremental builds to be given up, some of them under way.
  await Promise.all(files.map(built));
  const underWay = files.map(built);
  const resting = bundler.rest();
  const meanwhile = files.map(built);
  await resting;
  await bundler.rest();
  await Promise.all([...underWay, ...meanwhile]);
  // Each asked for when another has just ended, and esbuild with it.
  await Promise.all([0, 1].map((at) => built(files[at]!).then(() => built(files[at + 2]!))));
  write("handlers/h11.ts", "export default 'saved';");
  expect(evaluate(await built(handler("h11")))).toBe("saved");
  write("handlers/h11.ts", "export default = 1;");
  expect((await failure(handler("h11"))).error.message).toContain("Unexpected");
});

test("a closed bundler says so", async () => {
  await bundler.close();
  expect((await failure(handler("a"))).error.message).toContain("closed");
});

test("a handler with its dependencies reaches zod by name", async () => {
  symlinkSync(fileURLToPath(new URL("../../../node_modules", import.meta.url)), join(root, "node_modules"));
  const file = writeHandler("a", `import { z } from "zod"; export default z.number().parse(3);`);
  expect(evaluate(await built(file))).toBe(3);
});
