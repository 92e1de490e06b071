// What is kept of handlers that are gone: it stays until an operator says otherwise, and as long as it may be needed.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { openVersionStore, type VersionStore } from "../../runtime/versions/version-store.ts";
import { type CliResult, runCli, startCli } from "../support/cli-process.ts";
import { freeze } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { kept } from "../unit/versions/kept.ts";

const stage = useStage();
const answering = (answer: number) =>
  `export const metadata = { subject: "left.ask", kind: "request" }; export default () => ${answer};`;
const SAY = 'export const metadata = { subject: "left.said" }; export default () => {};';

function cli({ rootDir }: Pick<TestProject, "rootDir">, app: string, ...args: string[]): Promise<CliResult> {
  return runCli([...args, "--app", app], { cwd: rootDir, env: { NATS_URL: stage.server.url } });
}

async function keptNow(app: TestRuntime, handler: string): Promise<void> {
  const { version = "" } = app.status(handler);
  await app.next("version.kept", { handler, version }, 0);
}

async function storedOf(app: string): Promise<string[]> {
  const jsm = await jetstreamManager(stage.client.connection);
  const { state } = await jsm.streams.info(`VERSIONS_${app}`, { subjects_filter: ">" });
  return Object.keys(state.subjects ?? {}).map((subject) => subject.replace(/program\.\w+\.\d+/, "program"));
}

it("is shown and removed, without what others have; the handler that comes back is kept anew", async () => {
  const app = await stage.start({ handlers: { "v2.1/ask.ts": answering(1), "say.ts": SAY }, config: { app: "gone" } });
  await Promise.all([keptNow(app, "v2.1/ask"), keptNow(app, "say")]);
  const none = await cli(app.project, "gone", "prune", "--versions");
  expect(none).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("that are there, and no others") });

  const text = answering(1);
  await app.after(() => app.project.remove("v2.1/ask.ts"), "handler.removed", { handler: "v2.1/ask" });
  const shown = await cli(app.project, "gone", "prune", "--versions");
  expect(shown).toMatchObject({ code: 1, stderr: expect.stringContaining("--yes removes them") });
  expect(shown.stdout).toMatch(/^HANDLER +VERSIONS +SIZE +WENT LIVE *\nv2\.1\/ask +1 +[\d.]+ k?B +\d+ s ago *\n$/);
  expect(await storedOf("gone")).toHaveLength(4);

  const removed = await cli(app.project, "gone", "prune", "--versions", "--yes", "--json");
  expect(JSON.parse(removed.stdout)).toMatchObject({ removed: true, versions: [{ handler: "v2.1/ask", versions: 1 }] });
  expect((await storedOf("gone")).sort()).toEqual(["versions.gone.list.say", "versions.gone.program.say"]);
  expect(await cli(app.project, "gone", "prune", "--versions")).toMatchObject({ code: 0 });

  await app.after(() => app.project.write("v2.1/ask.ts", text), "version.kept", { handler: "v2.1/ask" });
  expect(await storedOf("gone")).toHaveLength(4);
});

it("of one that another replica has, or that lies here as a file, is not gone", async () => {
  const old = await stage.start({ handlers: { "ask.ts": answering(1), "say.ts": SAY }, config: { app: "rolling" } });
  await Promise.all([keptNow(old, "ask"), keptNow(old, "say")]);
  const fresh = await stage.start({ handlers: { "say.ts": SAY }, config: { app: "rolling" } });
  expect(await cli(fresh.project, "rolling", "prune", "--versions", "--yes")).toMatchObject({ code: 0 });
  await old.close();
  expect(await cli(old.project, "rolling", "prune", "--versions", "--yes")).toMatchObject({ code: 0 });
  expect(await storedOf("rolling")).toHaveLength(4);
  // Of the new files alone it is.
  expect(await cli(fresh.project, "rolling", "prune", "--versions")).toMatchObject({ code: 1 });
});

it("stays while a replica is there that does not answer", async () => {
  const project = createProject({ "ask.ts": answering(1) });
  const env = { NATS_URL: stage.server.url, HANDLERS_APP: "silent" };
  const lists = await stage.client.collect("versions.silent.list.ask");
  const silent = startCli(["start"], { cwd: project.rootDir, env });
  try {
    await lists.until(1);
    await freeze(silent.pid);
    const app = await stage.start({ handlers: { "say.ts": SAY }, config: { app: "silent" } });
    const refused = await cli(app.project, "silent", "prune", "--versions", "--yes");
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/\nask +1 /) });
    expect(refused.stderr).toMatch(/replica \w+ \(.*\) does not answer: nothing is removed/);
    expect(await storedOf("silent")).toContain("versions.silent.list.ask");
  } finally {
    silent.child.kill("SIGCONT");
    silent.child.kill("SIGTERM");
    await silent.ended;
    project.end();
  }
});

it("of one that is rolled back stays, as it is to serve when it comes back, until the rollback is taken back", async () => {
  const app = await stage.start({ handlers: { "ask.ts": answering(1) }, config: { app: "back" } });
  await keptNow(app, "ask");
  await app.after(() => app.project.write("ask.ts", answering(2)), "handler.serving", { handler: "ask" });
  await keptNow(app, "ask");
  expect(await cli(app.project, "back", "rollback", "ask")).toMatchObject({ code: 0 });
  await app.after(() => app.project.remove("ask.ts"), "handler.removed", { handler: "ask" });
  const held = await cli(app.project, "back", "prune", "--versions", "--yes");
  expect(held).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\nask +2 .* stay: rolled back by \S+@\S+ *\n/),
  });
  await app.after(() => app.project.write("ask.ts", answering(2)), "handler.serving", { handler: "ask" });
  expect((await stage.client.ask("left.ask")).value).toBe(1);

  await app.after(() => app.project.remove("ask.ts"), "handler.removed", { handler: "ask" });
  expect(await cli(app.project, "back", "rollback", "ask", "--off")).toMatchObject({ code: 0, stderr: "" });
  expect(await cli(app.project, "back", "rollback", "ask", "--off")).toMatchObject({ code: 2 });
  expect(await cli(app.project, "back", "prune", "--versions", "--yes")).toMatchObject({ code: 0 });
  expect(await storedOf("back")).toEqual([]);
});

it("and what is stored after somebody looked stays", async () => {
  const store = await openVersionStore(stage.client.connection, "raced", 1);
  const program = { files: [] } as unknown as Awaited<ReturnType<VersionStore["program"]>>;
  const keep = (version: string) => store.keep("ask", kept(version), 5, async () => ({ ...program, version }) as never);
  await keep("one");
  const { handlers, upTo } = await store.handlers();
  expect(handlers).toEqual(["ask"]);
  await keep("two");
  await store.forget("ask", upTo);
  const versions = await store.kept("ask");
  expect(versions.map(({ version }) => version)).toEqual(["two", "one"]);
  for (const one of versions) expect(await store.program("ask", one)).toMatchObject({ version: one.version });
});
