// What projects ask of the bundler by their settings: decorators, conditions, preloads; and what it follows.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Bundler, createBundler } from "../../../runtime/bundle/bundler.ts";
import { refusePlugAndPlay } from "../../../runtime/bundle/plug-and-play.ts";
import { preloadFiles, withPreloads } from "../../../runtime/bundle/preloads.ts";
import { type BundledProject, createBundledProject } from "../../support/bundled-project.ts";

let project: BundledProject;
const others: Bundler[] = [];

beforeEach(() => {
  project = createBundledProject();
});

afterEach(async () => {
  for (const bundler of others.splice(0)) await bundler.close();
  await project.remove();
});

function written(content: string | Buffer, extension = ".ts") {
  const file = project.handler("a", extension);
  mkdirSync(dirname(file.path), { recursive: true });
  writeFileSync(file.path, content);
  return file;
}

async function inputsOf(content: string): Promise<string[]> {
  const built = await project.bundler.build(written(content));
  const inputs = built.ok ? built.bundle.inputs : built.inputs;
  return inputs.filter((path) => path.startsWith(project.root)).map((path) => path.slice(project.root.length + 1));
}

const DECORATED = `const decorate = (target: unknown) => undefined;
class Repo {}
@decorate class Service { constructor(private readonly repo: Repo) {} }
export default () => Reflect.getMetadata?.("design:paramtypes", Service)?.map(({ name }) => name) ?? "none";`;

const ASKS = `{ // as Nest's
  "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true, } }`;

test("a project that asks for decorator metadata has its own TypeScript compile the files with decorators", async () => {
  project.write("tsconfig.base.json", ASKS);
  project.write("tsconfig.json", `{ "extends": "./tsconfig.base" }`);
  // Stands for the real one, whose API it has.
  const transpile = `exports.version = "5"; exports.transpileModule = (source, { compilerOptions }) =>
    ({ outputText: "export default () => " + JSON.stringify(compilerOptions.emitDecoratorMetadata) });`;
  project.addPackage("typescript", { main: "i.js" }, { "i.js": transpile });
  expect(await project.inDev(written(DECORATED))).toBe(true);
  expect(await project.inBuild(written(DECORATED))).toBe(true);
  expect(await project.inDev(written(`export default () => "no @decorators";`))).toBe("no @decorators");
});

test("without such a TypeScript it is refused by name, with what to run", async () => {
  project.write("tsconfig.json", ASKS);
  project.addPackage("typescript", { main: "i.js" }, { "i.js": `exports.version = "7.0.2";` });
  const built = await project.bundler.build(written(DECORATED));
  expect(!built.ok && built.error.message).toMatch(
    /emitDecoratorMetadata needs.*typescript.*7\.0\.2.*npm install -D typescript/s,
  );
  const { result } = await project.pack(written(DECORATED));
  expect(result.ok).toBe(false);
});

test("conditions of the configuration and of tsconfig choose among a package's exports, in dev and in a build", async () => {
  const exports = { ".": { mine: "./mine.js", special: "./special.js", default: "./plain.js" } };
  const files = Object.fromEntries(
    ["mine", "special", "plain"].map((name) => [`${name}.js`, `module.exports = "${name}";`]),
  );
  project.addPackage("chosen", { exports }, files);
  const file = written(`import chosen from "chosen"; export default chosen;`);
  expect(await project.inDev(file)).toBe("plain");
  project.write("tsconfig.json", `{ "compilerOptions": { "customConditions": ["special"] } }`);
  expect(await project.inBuild(file)).toBe("special");
  const sdkUrl = "file:///sdk.mjs";
  const bundler = createBundler({
    rootDir: project.root,
    buildDir: join(project.root, ".handlers/two"),
    sdkUrl,
    conditions: ["mine"],
  });
  others.push(bundler);
  const built = await bundler.build(file);
  const { default: chosen } = (await import(/* @vite-ignore */ built.ok ? built.bundle.path : "")) as {
    default: unknown;
  };
  expect(chosen).toBe("mine");
});

test("a tsconfig behind extends, that of a shared package and a package.json with imports are followed", async () => {
  project.write("base/tsconfig.json", "{}");
  project.write("tsconfig.json", `{ "extends": "./base/tsconfig.json" }`);
  project.write("package.json", `{ "imports": { "#lib/*": "./lib/*.ts" } }`);
  project.write("lib/x.ts", "export default 1;");
  project.write("packages/shared/i.ts", "export default 2;");
  project.write("packages/shared/tsconfig.json", "{}");
  const content = `import one from "#lib/x"; import two from "../packages/shared/i.ts"; export default [one, two];`;
  expect(await inputsOf(content)).toEqual(
    expect.arrayContaining(["tsconfig.json", "base/tsconfig.json", "packages/shared/tsconfig.json", "package.json"]),
  );
});

test("what would mend an import of an alias, of #import and of a package not built yet is followed", async () => {
  project.write("tsconfig.json", `{ "compilerOptions": { "paths": { "@/*": ["./lib/*"] } } }`);
  project.write("package.json", `{ "imports": { "#own/*": "./own/*.ts" } }`);
  project.write("packages/late/package.json", `{ "name": "late", "main": "dist/index.js" }`);
  mkdirSync(join(project.root, "node_modules"));
  symlinkSync(join(project.root, "packages/late"), join(project.root, "node_modules/late"));
  expect(await inputsOf(`import "@/new"; import "#own/new"; import "late"; export default 1;`)).toEqual(
    expect.arrayContaining(["lib/new.ts", "own/new.ts", "packages/late/dist/index.js", "package.json"]),
  );
});

test("an install in a workspace leaves its mark at the root, above the project", async () => {
  const built = await project.bundler.build(written(`import "nowhere"; export default 1;`));
  expect(built.ok ? [] : built.inputs).toContain(join(dirname(project.root), "node_modules/.modules.yaml"));
});

test("a source in UTF-16 is said to be that", async () => {
  const built = await project.bundler.build(written(Buffer.from("\uFEFFexport default 1;", "utf16le")));
  expect(!built.ok && built.error.message).toContain("handlers/a.ts is UTF-16, not UTF-8");
});

test("Yarn's Plug'n'Play is refused in one line, unless node_modules are there too", () => {
  refusePlugAndPlay(project.root);
  project.write(".pnp.cjs", "");
  expect(() => refusePlugAndPlay(project.root)).toThrow("Plug'n'Play");
  project.write("node_modules/x/index.js", "");
  refusePlugAndPlay(project.root);
});

test("a preload belongs to every handler's version, and its bundle goes with the last of them", async () => {
  project.write("instrument.ts", `console.log("first");`);
  const bundler = withPreloads(project.bundler, preloadFiles(project.root, [join(project.root, "instrument.ts")]));
  const a = project.handler("a");
  const b = project.handler("b");
  for (const { displayPath } of [a, b]) project.write(displayPath, "export default 1;");
  const [first, second] = await Promise.all([bundler.build(a), bundler.build(b)]);
  if (!first?.ok || !second?.ok) throw new Error("did not build");
  expect(first.bundle.preload).toEqual(second.bundle.preload);
  expect(first.bundle.inputs).toContain(join(project.root, "instrument.ts"));
  const [preload] = first.bundle.preload;
  await bundler.retire(first.bundle);
  expect(() => createRequire(import.meta.url).resolve(preload!)).not.toThrow();
  project.write("instrument.ts", `console.log("second");`);
  const next = await bundler.build(a);
  expect(next.ok && next.bundle.version).not.toBe(first.bundle.version);
  project.write("instrument.ts", "const = 1;");
  const failed = await bundler.build(a);
  expect(!failed.ok && failed.error).toMatchObject({ place: { file: "instrument.ts", line: 1 } });
});
