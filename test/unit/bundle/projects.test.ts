// What projects ask of the bundler by their settings: decorators, conditions, preloads; and what it follows.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BuildResult, type Bundler, createBundler } from "../../../runtime/bundle/bundler.ts";
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
  if (built.ok) throw new Error("it built");
  expect(built.error.message).toMatch(/emitDecoratorMetadata needs.*typescript.*7\.0\.2/);
  expect(built.error).toMatchObject({
    place: { file: "handlers/a.ts" },
    remedy: expect.stringContaining("npm install -D typescript"),
  });
  expect(built.inputs).toContain(join(project.root, "node_modules/.package-lock.json"));
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

test("a missing package is told with what installs it here: by the project's package manager, declared or not", async () => {
  const remedy = async () => {
    const built = await project.bundler.build(written(`import "@acme/words"; export default 1;`));
    return built.ok ? undefined : built.error.remedy;
  };
  expect(await remedy()).toBe("Run `npm install @acme/words`.");
  project.write("pnpm-workspace.yaml", "");
  expect(await remedy()).toBe("Run `pnpm add @acme/words`.");
  // Of a workspace, and nowhere else to be found.
  project.write("package.json", `{ "dependencies": { "@acme/words": "workspace:*" } }`);
  expect(await remedy()).toBe("Run `pnpm install`.");
});

test("a source in UTF-16 is said to be that", async () => {
  const built = await project.bundler.build(written(Buffer.from("\uFEFFexport default 1;", "utf16le")));
  expect(!built.ok && built.error.message).toContain("handlers/a.ts is UTF-16, not UTF-8");
});

test("a source that is nearly UTF-8 is warned of at the character that is lost, in dev and in a build", async () => {
  project.write("lib/x.ts", "export default 1;");
  writeFileSync(join(project.root, "lib/x.ts"), Buffer.from("export default\n  'caf\xe9';", "latin1"));
  const file = written(`import x from "../lib/x.ts"; export default x;`);
  const warning = { code: "BUNDLE_WARNING", place: { file: "lib/x.ts", line: 2, column: 7 } };
  expect(await project.bundler.build(file)).toMatchObject({ ok: true, warnings: [warning] });
  expect((await project.pack(file)).result).toMatchObject({ ok: true, warnings: [warning] });
});

test("what the compiler says of the settings is told too, by its place", async () => {
  project.write("tsconfig.json", `{ "extends": "./nowhere.json" }`);
  project.write("package.json", `{ "type": "modul" }`);
  const file = written("export default 1;");
  const files = ({ result }: { result: BuildResult }) =>
    result.ok ? result.warnings.map(({ place }) => place?.file).sort() : [];
  expect(files({ result: await project.bundler.build(file) })).toEqual(["package.json", "tsconfig.json"]);
  expect(files(await project.pack(file))).toEqual(["package.json", "tsconfig.json"]);
});

test("`module.exports` where Node takes the file for a module is told with what to write", async () => {
  project.write("package.json", `{ "type": "module" }`);
  const file = written(`module.exports = { metadata: { subject: "a" }, default: () => 1 };`, ".js");
  const warning = { place: { file: "handlers/a.js", line: 1 }, remedy: expect.stringContaining("rename it to .cjs") };
  expect(await project.bundler.build(file)).toMatchObject({ warnings: [warning] });
});

test("a build that fails depends on every module that it has read", async () => {
  project.write("lib/between.ts", `export * from "./far.ts";`);
  project.write("lib/far.ts", `import "./gone.ts"; export const far = 1;`);
  const inputs = await inputsOf(`import { far } from "../lib/between.ts"; export default far;`);
  expect(inputs).toEqual(expect.arrayContaining(["handlers/a.ts", "lib/between.ts", "lib/far.ts", "lib/gone.ts"]));
});

test("conditions and aliases hold as they are when it is built, and not as they were", async () => {
  project.addPackage(
    "two-faced",
    { exports: { mine: "./mine.js", default: "./other.js" } },
    {
      "mine.js": `module.exports = "mine";`,
      "other.js": `module.exports = "other";`,
    },
  );
  project.write("lib/face.ts", `export default "alias";`);
  const file = written(`import face from "two-faced"; export default face;`);
  expect(await project.inDev(file)).toBe("other");
  project.write("tsconfig.json", `{ "compilerOptions": { "customConditions": ["mine"] } }`);
  expect(await project.inDev(file)).toBe("mine");
  project.write("tsconfig.json", `{ "compilerOptions": { "paths": { "two-faced": ["./lib/face.ts"] } } }`);
  expect(await project.inDev(file)).toBe("alias");
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
