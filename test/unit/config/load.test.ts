import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../../runtime/config/load.ts";
import { describeError, type RuntimeError } from "../../../runtime/errors.ts";

let root: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "handlers-config-")));
});

afterEach(() => rm(root, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
}

function load(configPath?: string) {
  return loadConfig({ rootDir: root, mode: "dev", flags: {}, configPath, env: { HOME: root } });
}

async function refused(configPath?: string): Promise<RuntimeError> {
  const error = await load(configPath).then(
    () => undefined,
    (reason: RuntimeError) => reason,
  );
  expect(error).toMatchObject({ code: "CONFIG_UNREADABLE" });
  return error as RuntimeError;
}

test("without a file the configuration is all defaults, named by package.json", async () => {
  await write({ "package.json": '{ "name": "@acme/shop" }' });
  expect(await load()).toMatchObject({ app: "acme-shop", configFile: undefined, handlersDir: join(root, "handlers") });
});

test("without a usable package.json the app is named by its folder", async () => {
  await write({ "package.json": "{" });
  expect((await load()).app).toBe(basename(root));
});

test.each(["ts", "mts", "js", "mjs"])("handlers.config.%s is found, and may import defineConfig", async (extension) => {
  const name = `handlers.config.${extension}`;
  await write({
    [name]: 'import { defineConfig } from "nats-handlers";\nexport default defineConfig({ app: "todo" });',
  });
  expect(await load()).toMatchObject({ app: "todo", configFile: join(root, name), configInputs: [join(root, name)] });
});

test("TypeScript, its own imports, import.meta and top-level await work", async () => {
  await write({
    "config/names.ts": "export enum Names { App = 'from-enum' }",
    "conf.ts": `import { Names } from "./config/names";
import { basename } from "node:path";
const app: string = await Promise.resolve(Names.App);
export default { app, handlers: basename(import.meta.filename) };`,
  });
  const config = await load("conf.ts");
  expect(config).toMatchObject({ app: "from-enum", handlersDir: join(root, "conf.ts") });
  expect([...config.configInputs].sort()).toEqual([join(root, "conf.ts"), join(root, "config/names.ts")]);
});

test("a changed file is evaluated anew, and nothing is left behind", async () => {
  await write({ "handlers.config.ts": 'export default { app: "one" };' });
  expect((await load()).app).toBe("one");
  await write({ "handlers.config.ts": 'export default { app: "two" };' });
  expect((await load()).app).toBe("two");
  expect(await readdir(join(root, ".handlers/config"))).toEqual([]);
});

test("packages are found from the project", async () => {
  await write({
    "node_modules/names/package.json": '{ "name": "names", "type": "module", "exports": "./index.js" }',
    "node_modules/names/index.js": 'export const app = "from-package";',
    "handlers.config.ts": 'import { app } from "names";\nexport default { app };',
  });
  expect((await load()).app).toBe("from-package");
});

describe("a file that cannot be used is named with its line", () => {
  test("a syntax error", async () => {
    await write({ "handlers.config.ts": "export default {\n  app: ,\n};" });
    const error = await refused();
    expect(error.place).toEqual({ file: "handlers.config.ts", line: 2, column: 8 });
    expect(describeError(error)).toBe(
      'CONFIG_UNREADABLE: handlers.config.ts does not build: Unexpected "," (handlers.config.ts:2:8)\n  2 |   app: ,\n             ^',
    );
  });

  test("a throw", async () => {
    await write({
      "handlers.config.ts":
        'interface Long {\n  a: string;\n}\n\nexport default { app: fail() };\nfunction fail(): Long {\n  throw new Error("no app today");\n}',
    });
    const error = await refused();
    expect(error.message).toBe("handlers.config.ts threw: no app today");
    expect(error.place).toMatchObject({ file: "handlers.config.ts", line: 7 });
  });

  test("a missing package", async () => {
    await write({ "handlers.config.ts": 'import "no-such-package";\nexport default {};' });
    const error = await refused();
    expect(error.message).toContain("no-such-package");
    expect(error.message).not.toContain(".handlers");
  });

  test("a missing default export", async () => {
    await write({ "handlers.config.ts": "export const app = 1;" });
    expect((await refused()).message).toBe("handlers.config.ts has no default export");
  });

  test("a file asked for that is not there", async () => {
    expect((await refused("other.config.ts")).message).toBe('there is no configuration file "other.config.ts"');
  });
});

test("wrong values are placed in the file", async () => {
  await write({ "handlers.config.ts": 'export default {\n  maxHops: "many",\n};' });
  await expect(load()).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: 'maxHops must be a whole number from 1 to 1,000; received "many"',
    place: { file: "handlers.config.ts", line: 2, column: 3 },
  });
});

describe("a state folder that cannot be written", () => {
  const temporary = process.env.TMPDIR;
  afterEach(() => {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
  });

  test("is replaced by a temporary one, from where packages are found too", async () => {
    await write({
      ".handlers": "a file in the place of the folder",
      "node_modules/names/package.json": '{ "name": "names", "type": "module", "exports": "./index.js" }',
      "node_modules/names/index.js": 'export const app = "from-package";',
      "handlers.config.ts": 'import { app } from "names";\nexport default { app };',
    });
    expect((await load()).app).toBe("from-package");
  });

  test("says so when there is no temporary one either", async () => {
    await write({ "handlers.config.ts": "export default {};", ".handlers": "a file in the place of the folder" });
    process.env.TMPDIR = join(root, ".handlers");
    const error = await refused();
    expect(error.message).toContain("handlers.config.ts cannot be evaluated");
    expect(error.remedy).toContain(`Let the runtime write to ${join(root, ".handlers")} or `);
  });
});
