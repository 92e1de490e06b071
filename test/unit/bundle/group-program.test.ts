// The program of a group, as `dev` makes it and as `build` does: what its handlers share is there once.

import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import type { HandlerFile } from "../../../runtime/discover/handler-file.ts";
import type { ResolvedMetadata } from "../../../runtime/metadata/handler-metadata.ts";
import { packPrograms } from "../../../runtime/prebuild/pack-programs.ts";
import { importMember } from "../../../runtime/worker/load.ts";
import { type BundledProject, createBundledProject } from "../../support/bundled-project.ts";

let project: BundledProject;
let outDir: string;
let files: HandlerFile[];

beforeEach(() => {
  project = createBundledProject("group-");
  outDir = realpathSync(mkdtempSync(join(tmpdir(), "group-build-")));
  project.write("lib/shared.ts", "export const shared = { users: [] as string[] };");
  project.addPackage("of-two", { main: "index.js" }, { "index.js": "module.exports = { calls: 0 };" });
  files = [
    write(
      "sub/plain",
      ".ts",
      `
      import { shared } from "../../lib/shared.ts";
      import counter from "of-two";
      export const metadata = { subject: "plain" };
      export const setup = () => { shared.users.push("plain"); };
      export default () => ({ users: shared.users, calls: ++counter.calls, here: import.meta.filename });`,
    ),
    write(
      "awaits",
      ".ts",
      `
      import { shared } from "../lib/shared.ts";
      import counter from "of-two";
      const name = await Promise.resolve("awaits");
      export const metadata = { subject: name };
      export const setup = () => { shared.users.push(name); };
      export default () => ({ users: shared.users, calls: ++counter.calls, here: import.meta.filename });`,
    ),
    write(
      "common",
      ".cjs",
      `
      module.exports = () => require("of-two").calls;
      module.exports.metadata = { subject: "common" };`,
    ),
    write(
      "compiled",
      ".cjs",
      `
      exports.metadata = { subject: "compiled" };
      exports.default = () => "compiled";`,
    ),
    write("throws", ".ts", 'export const metadata = { subject: "throws" }; throw new Error("not today");'),
  ];
});
afterEach(async () => {
  await project.remove();
  rmSync(outDir, { recursive: true, force: true });
});

function write(name: string, extension: string, text: string): HandlerFile {
  project.write(`handlers/${name}${extension}`, text);
  return project.handler(name, extension);
}

async function inDev(given = files): Promise<string> {
  const built = await project.bundler.program("orders", given);
  if (!built.ok) throw built.error;
  return built.bundle.path;
}

async function inBuild(given = files): Promise<string> {
  const metadata = { ...handlerDefaults, group: "orders" } as unknown as ResolvedMetadata;
  const handlers = given.map((file) => ({ file, metadata }));
  const sdkUrl = pathToFileURL(join(project.root, "sdk/index.mjs")).href;
  const about = { rootDir: project.root, outDir, scratchDir: outDir, sdkUrl, external: [], conditions: [] };
  const [program] = await packPrograms({ ...about, handlers });
  expect(program!.name).toBe("orders");
  return program!.bundle.path;
}

for (const [where, make] of [
  ["dev", inDev],
  ["a build", inBuild],
] as const) {
  test(`in ${where} handlers of a group share the project's modules and packages, and each knows its place`, async () => {
    const url = pathToFileURL(await make()).href;
    const [plain, awaits] = [await importMember(url, "sub/plain"), await importMember(url, "awaits")];
    for (const one of [plain, awaits]) await (one.setup as () => void)();
    const [first, second] = [plain, awaits].map((one) => (one.default as () => Record<string, unknown>)());
    expect(first).toMatchObject({
      users: ["plain", "awaits"],
      calls: 1,
      here: expect.stringMatching(/handlers\/sub\/plain\.ts$/),
    });
    expect(second).toMatchObject({
      users: ["plain", "awaits"],
      calls: 2,
      here: expect.stringMatching(/handlers\/awaits\.ts$/),
    });
    expect(awaits.metadata).toEqual({ subject: "awaits" });
  });

  test(`in ${where} a member may be CommonJS, and one that throws does no harm to the others`, async () => {
    const url = pathToFileURL(await make()).href;
    await expect(importMember(url, "throws")).rejects.toThrow("not today");
    const common = await importMember(url, "common");
    expect([(common.default as () => unknown)(), common.metadata]).toEqual([0, { subject: "common" }]);
    const compiled = await importMember(url, "compiled");
    expect([(compiled.default as () => unknown)(), compiled.metadata]).toEqual(["compiled", { subject: "compiled" }]);
    expect(Object.keys(await importMember(url, "sub/plain"))).toContain("setup");
  });

  test(`in ${where} a program is the same in whatever order its handlers were found, and another when one changes`, async () => {
    const good = files.slice(0, 2);
    const code = readFileSync(await make(good), "utf8");
    expect(readFileSync(await make(good.toReversed()), "utf8")).toBe(code);
    write("awaits", ".ts", "export const metadata = { subject: 'other' }; export default () => {};");
    expect(readFileSync(await make(good), "utf8")).not.toBe(code);
  });
}
