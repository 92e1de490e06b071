// `handlers build`, and what serves it: the folder alone, somewhere else, with nothing installed.
// @module-tag any-server

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Manifest } from "../../runtime/prebuild/manifest.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { forkServerProcess } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

let server: TestServer;
let client: TestClient;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  client = await connectClient(server.url);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await client.connection.close();
});

function projectWith(files: Readonly<Record<string, string>>, below?: string): TestProject {
  const project = createProject(files, below);
  cleanups.push(() => project.end());
  return project;
}

/** A copy of the sample, as a clone has it. */
function sample(below?: string): TestProject {
  const project = projectWith({}, below);
  project.copySample();
  return project;
}

const build = (project: TestProject, ...args: string[]) => runCli(["build", ...args], { cwd: project.rootDir });

function manifestOf(project: TestProject): Manifest {
  return JSON.parse(readFileSync(join(project.rootDir, "build/manifest.json"), "utf8")) as Manifest;
}

/** Every file below a folder, path to bytes. */
function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length), readFileSync(path, "base64")]));
}

/** The build alone, in another folder, as an image has it. */
function carriedAway(project: TestProject): string {
  const folder = mkdtempSync(join(tmpdir(), "nats-handlers-image-"));
  cpSync(join(project.rootDir, "build"), join(folder, "build"), { recursive: true });
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function served(folder: string, ask: () => Promise<void>, ...args: string[]): Promise<string> {
  const bin = join(folder, "build/handlers.mjs");
  const app = startCli(["start", ...args], { cwd: folder, env: { NATS_URL: server.url }, bin });
  await app.printed(/"event":"runtime\.ready"/);
  await ask();
  app.child.kill("SIGTERM");
  expect((await app.ended).code, app.text()).toBe(0);
  return app.text();
}

function installPackage(project: TestProject, name: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    const path = join(project.rootDir, "node_modules", name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

it("the same sources give the same bytes, wherever they lie", async () => {
  const [one, other] = [sample(), sample("a/folder/further/down")];
  for (const project of [one, other]) expect(await build(project)).toMatchObject({ code: 0, stderr: "" });
  const [first, second] = [one, other].map(({ rootDir }) => contentOf(join(rootDir, "build")));
  expect(Object.keys(first!)).toEqual(Object.keys(second!));
  expect(Object.keys(first!).filter((path) => first![path] !== second![path])).toEqual([]);
  const texts = Object.values(first!).map((bytes) => Buffer.from(bytes, "base64").toString());
  for (const path of [one.rootDir, ROOT]) expect(texts.filter((text) => text.includes(path))).toEqual([]);
});

it("tells of each handler its metadata, its version and its size, and of the app its name", async () => {
  const project = sample();
  expect((await build(project)).stdout).toMatch(
    /4 of 4 handlers checked out: all fine\nzod 4\.\S+ is shared by all handlers: it is not bundled but copied\nbuilt build; /,
  );
  const { handlers, packageName, config, copied, platform } = manifestOf(project);
  expect(handlers.map(({ name }) => name)).toEqual(["todo/audit", "todo/list", "todo/mutate", "todo/save"]);
  expect(handlers.at(-1)).toMatchObject({
    file: "handlers/todo/save.ts",
    version: expect.stringMatching(/^[0-9a-f]{12}$/),
    inputs: ["handlers/todo/_events.ts", "handlers/todo/_store.ts", "handlers/todo/save.ts"],
    metadata: { kind: "durable", subjects: ["todo.newitem"], concurrency: 8, timeoutMs: 10_000, hasSchema: true },
  });
  const expected = { packageName: "shop", config: { bundle: "config.mjs", file: "handlers.config.ts" } };
  expect({ packageName, config, platform }).toEqual({ ...expected, platform: null });
  expect(copied).toEqual([
    { name: "zod", version: expect.stringMatching(/^4\./), reason: "is shared by all handlers", native: false },
  ]);
  expect(handlers.at(-1)!.sizeBytes).toBeLessThan(20_000);
});

it("the build serves by itself: no package, no source and no tool is needed", async () => {
  const project = projectWith({
    "mail/greet.ts": `
      import { readFileSync } from "node:fs";
      import { defineHandler, GiveUp } from "nats-handlers";
      import { z } from "zod";
      import { signature } from "../../lib/signature.ts";
      export const metadata = { subject: "mail.greet", kind: "request", schema: z.object({ name: z.string() }) } as const;
      export default defineHandler(metadata, ({ name }) => {
        if (name === "") throw new GiveUp("nobody to greet");
        return readFileSync(new URL("./greeting.txt", import.meta.url), "utf8").trim() + " " + name + signature();
      });`,
    "mail/greeting.txt": "Good morning,",
    "mail/tables.ts": `
      import { effectTables } from "nats-handlers/effect";
      export const metadata = { subject: "mail.tables", kind: "request" };
      export default () => effectTables("sqlite");`,
    "mail/greet.test.ts": "never copied",
  });
  mkdirSync(join(project.rootDir, "lib/texts"), { recursive: true });
  writeFileSync(
    join(project.rootDir, "lib/signature.ts"),
    `import { readFileSync } from "node:fs";
     import { join } from "node:path";
     export const signature = () => readFileSync(join(import.meta.dirname, "texts/end.txt"), "utf8");`,
  );
  writeFileSync(join(project.rootDir, "lib/texts/end.txt"), "!");
  expect(await build(project)).toMatchObject({ code: 0 });
  const folder = carriedAway(project);
  project.end();
  const told = await served(folder, async () => {
    expect(await client.ask("mail.greet", { name: "Ada" })).toMatchObject({ code: 0, value: "Good morning, Ada!" });
    expect((await client.ask("mail.tables", {})).value).toContain("CREATE TABLE");
    // The verdict's mark, and the schema.
    expect(await client.ask("mail.greet", { name: "" })).toMatchObject({ code: 422, error: "nobody to greet" });
    expect(await client.ask("mail.greet", {})).toMatchObject({ code: 400 });
    // Handed over as text, it has to come through the bundler as it was.
    await forkServerProcess();
    const status = spawnSync(process.execPath, [join(folder, "build/handlers.mjs"), "status", "--json"], {
      cwd: folder,
      env: { ...process.env, NATS_URL: server.url },
      encoding: "utf8",
    });
    expect(JSON.parse(status.stdout)).toMatchObject({ app: "shop" });
  });
  expect(told).toContain(`serving the build in ${join(folder, "build")}: 2 handlers"`);
  expect(told).not.toMatch(/"level":"warn"/);
  expect(readdirSync(join(folder, "build"), { recursive: true, encoding: "utf8" }).join()).not.toMatch(
    /test|esbuild\//,
  );
  const dev = spawnSync(process.execPath, [join(folder, "build/handlers.mjs"), "check"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(dev).toMatchObject({ status: 2, stderr: expect.stringContaining("BUILD_TOOLS_MISSING") });
});

it("an error in a build names the author's line, wherever the build lies and whatever its folder is called", async () => {
  const project = projectWith({
    "fails.ts": `
      export const metadata = { subject: "fails", kind: "request" };
      export default () => {
        throw new Error("as it must");
      };`,
  });
  const out = join(project.rootDir, "out/images/shop");
  expect(await build(project, "--out", "out/images/shop")).toMatchObject({ code: 0 });
  const away = mkdtempSync(join(tmpdir(), "nats-handlers-image-"));
  cleanups.push(() => rmSync(away, { recursive: true, force: true }));
  cpSync(out, join(away, "srv/current"), { recursive: true });
  for (const [dir, cwd] of [
    [out, project.rootDir],
    [join(away, "srv/current"), away],
    [join(away, "srv/current"), join(away, "srv/current")],
  ] as const) {
    const app = startCli(["start"], { cwd, env: { NATS_URL: server.url }, bin: join(dir, "handlers.mjs") });
    await app.printed(/"event":"runtime\.ready"/);
    expect(await client.ask("fails")).toMatchObject({ code: 500 });
    await app.printed(/"place":"handlers\/fails\.ts:4:\d+"/);
    app.child.kill("SIGTERM");
    expect((await app.ended).code, app.text()).toBe(0);
  }
});

it("what a start loads can be compiled before, for an image", async () => {
  const project = projectWith({
    "audit.ts": `export const metadata = { subject: "audit" };\nexport default () => {};`,
  });
  expect((await build(project)).code).toBe(0);
  const folder = carriedAway(project);
  const cache = join(folder, "compiled");
  const options = { cwd: folder, bin: join(folder, "build/handlers.mjs"), env: { NODE_COMPILE_CACHE: cache } };
  const precompiled = await runCli(["precompile"], options);
  expect(precompiled, precompiled.stderr).toMatchObject({ code: 0, stdout: "" });
  const largest = () => Object.values(contentOf(cache)).sort((a, b) => b.length - a.length)[0];
  const before = largest();
  expect(before?.length).toBeGreaterThan(100_000);
  const app = startCli(["start"], { ...options, env: { ...options.env, NATS_URL: server.url } });
  await app.printed(/"event":"runtime\.ready"/);
  app.child.kill("SIGTERM");
  expect((await app.ended).code, app.text()).toBe(0);
  // Taken as it was: what Node cannot use it writes anew.
  expect(largest()).toBe(before);
}, 60_000);

it("a build knows what NATS has to allow, as its sources do", async () => {
  const project = sample();
  expect(await build(project)).toMatchObject({ code: 0 });
  const permissions = (cwd: string, bin?: string) =>
    runCli(["permissions", "--json"], { cwd, ...(bin === undefined ? {} : { bin }) });
  const folder = carriedAway(project);
  const [ofSources, ofBuild] = [
    await permissions(project.rootDir),
    await permissions(folder, join(folder, "build/handlers.mjs")),
  ];
  expect(ofBuild).toMatchObject({ code: 0, stderr: "", stdout: ofSources.stdout });
  expect(JSON.parse(ofBuild.stdout)).toMatchObject({
    app: "todo",
    publish: expect.arrayContaining(["todo.itemsaved"]),
  });
});

it("a package that cannot be bundled is copied with what it needs, and said so", async () => {
  const project = projectWith({
    "hash.ts": `
      import { hash } from "fast-hash";
      export const metadata = { subject: "hash", kind: "request" };
      export default () => hash();`,
  });
  installPackage(project, "fast-hash", {
    "package.json": JSON.stringify({
      name: "fast-hash",
      version: "1.2.3",
      scripts: { install: "node-gyp rebuild" },
      dependencies: { "hash-data": "1" },
    }),
    "index.js": `
      const { readFileSync } = require("node:fs");
      const { seed } = require("hash-data");
      exports.hash = () => seed + readFileSync(__dirname + "/build/table.bin", "utf8");`,
    "build/table.bin": "table",
  });
  installPackage(project, "hash-data", {
    "package.json": JSON.stringify({ name: "hash-data", version: "1.0.0" }),
    "index.js": `exports.seed = "seed and ";`,
  });
  const { code, stdout } = await build(project);
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(
      "fast-hash 1.2.3 has a script `install`: it is not bundled but copied, and runs on ",
    ),
  });
  const folder = carriedAway(project);
  project.end();
  await served(folder, async () => expect((await client.ask("hash")).value).toBe("seed and table"));
});

it("a build is judged where nothing of the project is to be seen, and says what to write", async () => {
  const project = projectWith({
    "plug.ts": `
      import { readFileSync } from "node:fs";
      const name = ["plug", "in"].join("-");
      const { answer } = await import(name);
      export const metadata = { subject: "plug", kind: "request" };
      export default () => answer;`,
  });
  installPackage(project, "plug-in", {
    "package.json": JSON.stringify({ name: "plug-in", version: "1.2.3", main: "index.js" }),
    "index.js": "exports.answer = 42;",
  });
  expect(await runCli(["check"], { cwd: project.rootDir })).toMatchObject({ code: 0 });
  const { code, stdout } = await build(project);
  expect(code).toBe(1);
  expect(stdout).toMatch(/✗ plug +HANDLER_LOAD_FAILED[^✗]*plug-in[^✗]*handlers\/plug\.ts\n/);
  expect(stdout).toContain(`write \`external: ["plug-in"]\` in handlers.config.ts`);
  const config = join(project.rootDir, "handlers.config.ts");
  writeFileSync(config, `export default { external: ["nowhere"] };`);
  expect(await build(project)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('names the package "nowhere", which is not installed'),
  });
  writeFileSync(config, `export default { external: ["plug-in"] };`);
  expect((await build(project)).stdout).toMatch(
    /plug-in 1\.2\.3 is named by `external`: it is not bundled but copied\n/,
  );
  expect(manifestOf(project).platform).toBe(null);
  const folder = carriedAway(project);
  project.end();
  await served(folder, async () => expect((await client.ask("plug")).value).toBe(42));
});

it("a bad handler fails the build, which names all that is wrong and leaves the build before alone", async () => {
  const project = projectWith({ "good.ts": `export const metadata = { subject: "good" }; export default () => {};` });
  expect(await build(project)).toMatchObject({ code: 0 });
  const before = contentOf(join(project.rootDir, "build"));
  project.write("broken.ts", "export const metadata = {");
  project.write("throws.ts", `throw new Error("at the top"); export default () => {};`);
  project.write("wrong.ts", `export const metadata = { subject: "a b" }; export default () => {};`);
  const { code, stdout } = await build(project);
  expect(code).toBe(1);
  for (const said of ["BUNDLE_FAILED", "HANDLER_LOAD_FAILED", "at the top", "METADATA_INVALID", "3 failed"])
    expect(stdout).toContain(said);
  expect(stdout).toContain("nothing was built");
  expect(contentOf(join(project.rootDir, "build"))).toEqual(before);
  expect(readdirSync(project.rootDir).filter((name) => name.startsWith(".build"))).toEqual([]);
});

it("sources that have gone on are warned of, and served when asked for", async () => {
  const project = projectWith({
    "answer.ts": `export const metadata = { subject: "answer", kind: "request" }; export default () => "built";`,
  });
  expect(await build(project)).toMatchObject({ code: 0 });
  project.write(
    "answer.ts",
    `export const metadata = { subject: "answer", kind: "request" }; export default () => "saved";`,
  );
  project.write("added.ts", `export const metadata = { subject: "added" }; export default () => {};`);
  const start = async (...args: string[]) => {
    const app = startCli(["start", ...args], { cwd: project.rootDir, env: { NATS_URL: server.url } });
    await app.printed(/"event":"runtime\.ready"/);
    const { value } = await client.ask("answer");
    app.child.kill("SIGTERM");
    expect((await app.ended).code).toBe(0);
    return { value, text: app.text() };
  };
  const built = await start();
  expect(built.value).toBe("built");
  expect(built.text).toMatch(
    /"level":"warn".*have changed since the build was made: handlers\/added\.ts, handlers\/answer\.ts\./,
  );
  const fresh = await start("--from-sources");
  expect(fresh.value).toBe("saved");
  expect(fresh.text).not.toContain("the build");
});

it("a folder that is no build, or not for this version, is not served and not overwritten", async () => {
  const project = projectWith({ "good.ts": `export const metadata = { subject: "good" }; export default () => {};` });
  const start = (...args: string[]) =>
    runCli(["start", ...args], { cwd: project.rootDir, env: { NATS_URL: server.url } });
  expect(await start("--build", "handlers")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("BUILD_UNUSABLE"),
  });
  expect(await build(project, "--out", "handlers")).toMatchObject({ code: 2 });
  expect(await build(project)).toMatchObject({ code: 0 });
  const path = join(project.rootDir, "build/manifest.json");
  writeFileSync(path, readFileSync(path, "utf8").replace(/"runtime": "[^"]+"/, '"runtime": "0.0.1"'));
  const refused = await start();
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("made by nats-handlers 0.0.1") });
});
