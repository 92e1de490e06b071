// `handlers check`: whoever fails is named, and nobody else, whatever handlers do to the process that looks at them.
// @module-tag any-server

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { createProject, fixture, type TestProject } from "../support/project.ts";

const FOLDER = "left-behind";
const FIXTURES = readdirSync(fileURLToPath(new URL(`../fixtures/handlers/${FOLDER}/`, import.meta.url)));
const INNOCENT = "finds-nothing-of-others.ts";
const ALONE = "needs-what-another-left.ts";

let project: TestProject;
afterEach(() => project.end());

/** What `check` says of each handler: "ok", or its error's code and message. */
async function verdicts(): Promise<Record<string, string>> {
  const { stdout } = await runCli(["check", "--json"], {
    cwd: project.rootDir,
    env: { SUBJECT_OF_ANOTHER: undefined },
  });
  const { handlers } = JSON.parse(stdout) as {
    handlers: { name: string; error?: { code: string; message: string } }[];
  };
  return Object.fromEntries(
    handlers.map(({ name, error }) => [name, error === undefined ? "ok" : `${error.code} ${error.message}`]),
  );
}

it("a handler is judged by what it does itself, with an innocent one behind each", { timeout: 120_000 }, async () => {
  const culprits = FIXTURES.filter((name) => name !== INNOCENT && name !== ALONE);
  const files = culprits.flatMap((name, at) => [
    [name, fixture(`${FOLDER}/${name}`)],
    [name.replace(".ts", "-next.ts"), fixture(`${FOLDER}/${INNOCENT}`, { NAME: `next${at}` })],
  ]);
  project = createProject({ ...Object.fromEntries(files), "z.ts": fixture(`${FOLDER}/${ALONE}`) });
  // To fill a heap takes a busy machine its time, which is another story.
  writeFileSync(join(project.rootDir, "handlers.config.ts"), `export default { startTimeout: "1m" };`);
  const told = await verdicts();
  const failing = Object.entries(told).filter(([, verdict]) => verdict !== "ok");
  expect(Object.fromEntries(failing)).toEqual({
    "connects-to-nowhere": expect.stringMatching(/^HANDLER_LOAD_FAILED .*exit code 1 .*ECONNREFUSED/),
    "exits-at-once": expect.stringMatching(/^HANDLER_LOAD_FAILED .*exit code 0 while being imported/),
    "exits-later": expect.stringMatching(/^HANDLER_LOAD_FAILED .*exit code 0 /),
    "kills-itself-at-import": expect.stringMatching(/^HANDLER_LOAD_FAILED .*SIGKILL while being imported/),
    "rejects-unawaited": expect.stringMatching(/^HANDLER_LOAD_FAILED .*: nobody awaits me$/),
    "throws-in-a-quiet-timer": expect.stringMatching(/^HANDLER_LOAD_FAILED .*: from a quiet timer$/),
    "throws-in-a-timer": expect.stringMatching(/^HANDLER_LOAD_FAILED .*: from a timer$/),
    "throws-no-error": expect.stringMatching(/^HANDLER_LOAD_FAILED .*not an Error/),
    z: expect.stringMatching(/^HANDLER_LOAD_FAILED .*undefined/),
  });
  expect(Object.keys(told)).toHaveLength(2 * culprits.length + 1);
});

it("handlers that fit into a process each are not told to be too large together", async () => {
  const large = (name: string) => `
    export const held = Array.from({ length: 50 }, () => new Array(131_072).fill(Math.random()));
    export const metadata = { subject: "large.${name}" };
    export default async () => {};`;
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  project = createProject(Object.fromEntries(names.map((name) => [`${name}.ts`, large(name)])));
  expect(await verdicts()).toEqual(Object.fromEntries(names.map((name) => [name, "ok"])));
});

it("what the compiler warns of is told once by its place, by `check` and by `build`, also of a handler that then fails", async () => {
  const sharing = `import { odd } from "./_odd.ts"; export default () => odd; export const metadata =`;
  project = createProject({
    "a.ts": `${sharing} { subject: "a" };`,
    "b.ts": `${sharing} { subject: "b" };`,
    "_odd.ts": "export const odd = { twice: 1, twice: 2 };",
    "old.js": `module.exports = { metadata: { subject: "old" }, default: () => {} };`,
  });
  for (const command of ["check", "build"]) {
    const { stdout } = await runCli([command], { cwd: project.rootDir });
    expect(stdout.match(/! .*/g)).toEqual([
      expect.stringMatching(/^! [ab] .*BUNDLE_WARNING.*Duplicate key "twice"/),
      expect.stringMatching(/^! old .*BUNDLE_WARNING.*CommonJS "module"/),
    ]);
    expect(stdout.match(/handlers\/_odd\.ts:1:32/g)).toHaveLength(1);
    expect(stdout).toMatch(/✗ old +HANDLER_LOAD_FAILED.*module is not defined/);
  }
});
