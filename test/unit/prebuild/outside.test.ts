// Packages that a build copies instead of bundling them, and what of them is there where the build alone lies.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeError } from "../../../runtime/errors.ts";
import { type BundledProject, createBundledProject } from "../../support/bundled-project.ts";

let project: BundledProject;

beforeEach(() => {
  project = createBundledProject();
});

afterEach(() => project.remove());

function written(content: string) {
  const file = project.handler("a");
  project.write(file.displayPath, content);
  return file;
}

test("a driver that a package loads by a name of its own is copied with the package", async () => {
  const peers = { peerDependenciesMeta: { "driver-a": { optional: true }, "driver-b": { optional: true } } };
  const main = { main: "i.js" };
  project.addPackage(
    "orm",
    { ...main, ...peers },
    { "i.js": "exports.open = (name) => require('driver-' + name).open();" },
  );
  project.addPackage("driver-a", main, { "i.js": "exports.open = () => 'opened a';" });
  const file = written(`import { open } from "orm"; export default () => open("a");`);
  expect(await project.inDev(file)).toBe("opened a");
  expect(await project.inBuild(file)).toBe("opened a");
});

test("a driver that is not there is missed when it is asked for, as in dev, and not before", async () => {
  project.addPackage(
    "orm",
    { main: "i.js" },
    { "i.js": "exports.open = () => require('not-installed'); exports.n = 1;" },
  );
  const file = written(`import { n, open } from "orm"; export default () => {
    try { open(); } catch (error) { return [n, error.code]; } };`);
  expect(await project.inDev(file)).toEqual([1, "MODULE_NOT_FOUND"]);
  expect(await project.inBuild(file)).toEqual([1, "MODULE_NOT_FOUND"]);
});

test("a package that starts a worker of its own finds it, and what it is to load by a name in a text", async () => {
  project.write("package.json", `{ "dependencies": { "logger": "*", "pretty": "*" } }`);
  const logger = `const { Worker } = require("node:worker_threads"); const { join } = require("node:path"); const { once } = require("node:events");
    exports.log = async (target, from) => {
      const worker = new Worker(join(__dirname, "worker.js"), { workerData: require("node:module").createRequire(from).resolve(target) });
      const [said] = await once(worker, "message"); return said; };`;
  const worker = `const { parentPort, workerData } = require("node:worker_threads"); parentPort.postMessage(require(workerData).pretty("x"));`;
  project.addPackage("logger", { main: "i.js" }, { "i.js": logger, "worker.js": worker });
  project.addPackage("pretty", { main: "i.js" }, { "i.js": "exports.pretty = (text) => '<' + text + '>';" });
  const file = written(`import { log } from "logger"; export default () => log("pretty", import.meta.url);`);
  expect(await project.inDev(file)).toBe("<x>");
  expect(await project.inBuild(file)).toBe("<x>");
});

test("an alias of a native package is found by the alias", async () => {
  const native = { main: "i.js", scripts: { install: "node-gyp rebuild" } };
  project.write("node_modules/alias/package.json", JSON.stringify({ name: "real", version: "1.0.0", ...native }));
  project.write("node_modules/alias/i.js", "exports.a = 'native';");
  const file = written(`import { a } from "alias"; export default a;`);
  expect(await project.inBuild(file)).toBe("native");
});

test("two versions of a native package are both there", async () => {
  const native = (version: string) => ({ main: "i.js", version, scripts: { install: "node-gyp rebuild" } });
  project.addPackage("native", native("2.0.0"), { "i.js": "exports.v = 2;" });
  project.addPackage("user", { main: "i.js" }, { "i.js": "exports.v = require('native').v;" });
  project.addPackage("user/node_modules/native", { name: "native", ...native("1.0.0") }, { "i.js": "exports.v = 1;" });
  const file = written(`import { v } from "native"; import { v as old } from "user"; export default [v, old];`);
  expect(await project.inDev(file)).toEqual([2, 1]);
  expect(await project.inBuild(file)).toEqual([2, 1]);
});

test("each package that is copied finds the version it finds at home", async () => {
  const plain = (version: string, dependencies = {}) => ({ main: "i.js", version, dependencies });
  project.addPackage("base", plain("2.0.0"), { "i.js": "exports.v = 2;" });
  project.addPackage("below", plain("1.0.0", { base: "2" }), { "i.js": "exports.v = require('base').v;" });
  project.addPackage("top", plain("1.0.0", { base: "1", below: "1" }), {
    "i.js": "exports.v = [require('base').v, require('below').v, __dirname.length > 0];",
  });
  project.addPackage("top/node_modules/base", { name: "base", ...plain("1.0.0") }, { "i.js": "exports.v = 1;" });
  const file = written(`import { v } from "top"; import { v as base } from "base"; export default [v, base];`);
  expect(await project.inBuild(file)).toEqual([[1, 2, true], 2]);
});

test("what a copied package needs and the handler imports is one instance", async () => {
  project.addPackage("state", { main: "i.js" }, { "i.js": "exports.seen = [];" });
  project.addPackage(
    "plugin",
    { main: "i.js", dependencies: { state: "*" } },
    { "i.js": "require('state').seen.push(__dirname.length > 0);" },
  );
  const file = written(`import "plugin"; import { seen } from "state"; export default seen;`);
  expect(await project.inDev(file)).toEqual([true]);
  expect(await project.inBuild(file)).toEqual([true]);
});

test("what external names is copied with what it needs, imported or not", async () => {
  project.addPackage(
    "late",
    { main: "i.js", dependencies: { below: "*" } },
    { "i.js": "exports.b = require('below').b;" },
  );
  project.addPackage("below", { main: "i.js" }, { "i.js": "exports.b = 7;" });
  const file = written(`const name = ["la", "te"].join(""); export default async () => (await import(name)).b;`);
  expect(await project.inBuild(file, ["late"])).toBe(7);
  const { outDir } = await project.pack(file);
  expect(existsSync(join(outDir, "node_modules"))).toBe(false);
});

test("a name in external that is not installed is refused", async () => {
  const told = await project.pack(written("export default 1;"), ["nowhere"]).catch(describeError);
  expect(told).toMatch(
    /USAGE: `external` names the package "nowhere", which is not installed\nRun `npm install nowhere`/,
  );
});

test("a package's own import that is not installed is answered with `external`, and the line is shown where people wrote it", async () => {
  const remedy = expect.stringMatching(/external: \["orm"\].*install missing-driver/);
  const file = written(`import { open } from "orm"; export default () => open();`);
  for (const [line, frame] of [
    [`import driver from "missing-driver/promise"; export const open = () => driver;`, /missing-driver\/promise"/],
    [`${"var a=1;".repeat(60)}import d from "missing-driver";export const open=()=>d;`, undefined],
  ] as const) {
    project.addPackage("orm", { type: "module", exports: "./i.js" }, { "i.js": line });
    const { result } = await project.pack(file);
    if (result.ok) throw new Error("it built");
    expect(result.error).toMatchObject({ place: { file: "node_modules/orm/i.js", line: 1 }, remedy });
    expect(result.error.frame).toEqual(frame === undefined ? undefined : expect.stringMatching(frame));
  }
});

test("zod 4 of the project is outside, without what nobody runs; every other zod is bundled", async () => {
  const zod = (version: string) => ({ version, type: "module", exports: { ".": "./index.js", "./mini": "./mini.js" } });
  const files = {
    "index.js": "export const v = 'own';",
    "mini.js": "export const m = 1;",
    "src/a.js": "",
    "a.d.ts": "",
  };
  project.addPackage("zod", zod("4.1.0"), files);
  project.addPackage("user", { main: "i.js" }, { "i.js": "export { v } from 'zod';" });
  project.addPackage(
    "user/node_modules/zod",
    { name: "zod", ...zod("4.0.0") },
    { "index.js": "export const v = 'its';" },
  );
  const file = written(`import { v } from "zod"; import { v as its } from "user"; export default [v, its];`);
  expect(await project.inDev(file)).toEqual(["own", "its"]);
  expect(await project.inBuild(file)).toEqual(["own", "its"]);
  const { outDir, zod: imported } = await project.pack(file);
  expect(imported).toBe("itself");
  const there = ["index.js", "mini.js", "package.json", "src", "a.d.ts"].filter((name) =>
    existsSync(join(outDir, "node_modules/zod", name)),
  );
  expect(there).toEqual(["index.js", "mini.js", "package.json"]);

  project.addPackage("zod", zod("3.25.0"), files);
  const { outDir: ofThree, zod: ofZodThree } = await project.pack(file);
  expect([existsSync(join(ofThree, "node_modules")), ofZodThree]).toEqual([false, "none"]);
});

test("it is known whether anything but zod itself is imported of zod, by a handler or by what is copied", async () => {
  const exports = { ".": "./index.js", "./v4": "./index.js", "./mini": "./index.js" };
  project.addPackage("zod", { version: "4.1.0", type: "module", exports }, { "index.js": "export const v = 1;" });
  const needsZod = { main: "i.js", dependencies: { zod: "4" } };
  project.addPackage("tool", needsZod, { "i.js": "exports.v = 1;" });
  const zodOf = async (content: string, external: readonly string[] = []) =>
    (await project.pack(written(content), external)).zod;
  expect(await zodOf("export default 1;")).toBe("none");
  expect(await zodOf(`import { v } from "zod/v4"; export default v;`)).toBe("itself");
  expect(await zodOf(`import { v } from "zod"; import "zod/mini"; export default v;`)).toBe("parts");
  expect(await zodOf(`import { v } from "zod"; export { default } from "tool"; export { v };`, ["zod"])).toBe("itself");
  expect(await zodOf(`import { v } from "zod"; export { default } from "tool"; export { v };`, ["tool"])).toBe("parts");
});
