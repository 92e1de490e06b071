// What becomes of versions in `dev`: kept once they have served, rolled back to, and left alone by what goes wrong.
// @module-tag any-server

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { startTraffic } from "../support/traffic.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
type Handled = { id: number; version: string };

const answering = (answer: string, subject = "versions.ask") => `
  import { words } from "../words.ts";
  export const metadata = { subject: "${subject}", kind: "request" };
  export default () => words("${answer}");`;

const WORDS = `export const words = (text: string) => "it says " + text;`;

function operate(app: TestRuntime, ...args: string[]) {
  return runCli([...args, "--app", apps.get(app)!], {
    cwd: app.project.rootDir,
    env: { NATS_URL: stage.server.url },
  });
}

const apps = new WeakMap<TestRuntime, string>();

/** Each story has an app of its own: what one keeps is not there for the next. */
async function startApp(name: string, files: Readonly<Record<string, string>>): Promise<TestRuntime> {
  const app = await stage.start({ project: createProject(files), config: { app: name } });
  apps.set(app, name);
  return app;
}

async function save(app: TestRuntime, handler: string, text: string): Promise<string> {
  const saving = () => app.project.write(`${handler}.ts`, text);
  return (await app.after(saving, "handler.serving", { handler })).version;
}

/** Of the version that serves now. */
async function keptNow(app: TestRuntime, handler: string): Promise<string> {
  const { version = "" } = app.status(handler);
  await app.next("version.kept", { handler, version }, 0);
  return version;
}

const said = async (subject = "versions.ask") => (await stage.client.ask(subject)).value;

it("goes back to the version before, with all it says of itself, until the files give another one", async () => {
  const app = await startApp("goes-back", { "say.ts": answering("one"), "../words.ts": WORDS });
  const one = await keptNow(app, "say");
  const two = await save(app, "say", answering("two", "versions.asked"));
  await keptNow(app, "say");
  expect(await said("versions.asked")).toBe("it says two");

  const back = await operate(app, "rollback", "say", "--reason", "wrong word");
  expect(back).toMatchObject({
    code: 0,
    stderr: "",
    stdout: expect.stringContaining(`rolled back to ${one} on 1 rep`),
  });
  expect(await said()).toBe("it says one");
  expect(app.status("say")).toMatchObject({ version: one, ownVersion: two, subjects: ["versions.ask"] });
  expect(app.told("handler.rolled-back")).toMatchObject([{ version: one, from: two, reason: "wrong word" }]);
  expect((await operate(app, "status")).stdout).toMatch(
    new RegExp(`rolled back from ${two} to ${one} by .*: wrong word`),
  );
  const { stdout: inspected } = await operate(app, "inspect", "say");
  expect(inspected).toMatch(new RegExp(`kept +${two}, live .* ago\\n +${one}, live`));

  const three = await save(app, "say", answering("three"));
  expect(await said()).toBe("it says three");
  expect(app.status("say")).toMatchObject({ version: three, rollback: undefined, ownVersion: undefined });
  expect(app.told("handler.rollback-over")).toMatchObject([{ version: three, why: "another-build" }]);

  await save(app, "say", answering("two", "versions.asked"));
  expect(await said()).toBe("it says one");
  expect(await operate(app, "rollback", "say", "--off")).toMatchObject({ code: 0, stderr: "" });
  expect(await said("versions.asked")).toBe("it says two");
});

it("is followed by a replica that starts, and by one whose project lies elsewhere", async () => {
  const files = (answer: string) => ({ "say.ts": answering(answer), "../words.ts": WORDS });
  const first = await startApp("follows", files("one"));
  const one = await keptNow(first, "say");
  await save(first, "say", answering("two"));
  await keptNow(first, "say");
  expect(await operate(first, "rollback", "say", "--to", one.slice(0, 6))).toMatchObject({ code: 0 });
  await first.close();

  const second = await startApp("follows", files("two"));
  expect(second.status("say")).toMatchObject({ version: one });
  expect(await said()).toBe("it says one");
});

it("a version that does not come up any more changes nothing, and whoever asked for it is told why", async () => {
  const app = await startApp("gone-package", { "say.ts": "" });
  const { rootDir } = app.project;
  const folder = join(rootDir, "node_modules", "sayings");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "name": "sayings", "exports": "./index.js" }');
  writeFileSync(join(folder, "index.js"), 'module.exports = "of old";');
  const text = (from: string) => `${from}
    export const metadata = { subject: "sayings.ask", kind: "request" };
    export default () => saying;`;
  const needy = await save(app, "say", text('import saying from "sayings";'));
  await keptNow(app, "say");
  const free = await save(app, "say", text('const saying = "of now";'));
  rmSync(folder, { recursive: true });

  const back = await operate(app, "rollback", "say", "--to", needy);
  expect(back).toMatchObject({ code: 1, stderr: expect.stringContaining(`serves ${free}`) });
  expect(back.stderr).toContain("sayings");
  expect(await said("sayings.ask")).toBe("of now");
  expect(app.status("say")).toMatchObject({ version: free, state: "serving" });
});

it("what cannot be done is refused, with what can", async () => {
  const app = await startApp("refusals", { "say.ts": answering("one"), "../words.ts": WORDS });
  const only = await keptNow(app, "say");
  const none = await operate(app, "rollback", "say");
  expect(none).toMatchObject({ code: 2 });
  expect(none.stderr).toContain(`no version of handler "say" is kept from before ${only}`);
  expect(none.stderr).toContain(`These are kept: ${only}`);
  const unknown = await operate(app, "rollback", "say", "--to", "feedbeef");
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('no version feedbeef of handler "say"') });
  const misspelt = await operate(app, "rollback", "sya");
  expect(misspelt).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean "say"') });
  await app.close();
  const nobody = await operate(app, "rollback", "say");
  expect(nobody).toMatchObject({ code: 3, stderr: expect.stringContaining('no runtime of app "refusals" answers') });
});

it("of each handler so many are kept as the configuration says; the programs of the others go", async () => {
  const project = createProject({ "say.ts": answering("0"), "../words.ts": WORDS });
  const app = await stage.start({ project, config: { app: "few", keepVersions: 2 } });
  apps.set(app, "few");
  const versions = [await keptNow(app, "say")];
  for (const answer of ["1", "2"]) {
    await save(app, "say", answering(answer));
    versions.unshift(await keptNow(app, "say"));
  }
  const { stdout } = await operate(app, "inspect", "say", "--json");
  const { kept } = JSON.parse(stdout) as { kept: { version: string }[] };
  expect(kept.map(({ version }) => version)).toEqual(versions.slice(0, 2));
  const manager = await jetstreamManager(stage.client.connection);
  const { state } = await manager.streams.info("VERSIONS_few", { subjects_filter: "versions.few.program.>" });
  expect(Object.keys(state.subjects ?? {})).toHaveLength(2);
});

const counting = (version: string) => `
  export const metadata = { subject: "counted.>", kind: "durable", concurrency: 16 };
  export default async ({ id }, ctx) => {
    await ctx.publish("handled", { id, version: "${version}" });
  };`;

it("on two replicas under load, back and forth: every message is handled exactly once", async () => {
  const replicas = [
    await startApp("under-load", { "count.ts": counting("one") }),
    await startApp("under-load", { "count.ts": counting("one") }),
  ] as const;
  const one = replicas[0].status("count").version;
  await Promise.race(replicas.map((app) => app.next("version.kept", { handler: "count" }, 0)));
  await Promise.all(replicas.map((app) => save(app, "count", counting("two"))));
  await Promise.race(replicas.map((app) => keptNow(app, "count")));

  const handled = await stage.client.collect<Handled>("handled");
  // A thousand a second in the nightly run.
  const traffic = startTraffic(stage.client, "counted.now", volume(1_000));
  const some = volume(3_000);
  const ranNext = async () => {
    const from = handled.values.length;
    await handled.until(from + some);
    return [...new Set(handled.values.slice(from).map(({ version }) => version))];
  };
  expect(await ranNext()).toEqual(["two"]);
  expect(await operate(replicas[0], "rollback", "count")).toMatchObject({ code: 0, stderr: "" });
  expect(replicas.map((app) => app.status("count").version)).toEqual([one, one]);
  await ranNext(); // What was in hand is finished by the version that began it.
  expect(await ranNext()).toEqual(["one"]);
  expect(await operate(replicas[1], "rollback", "count", "--off")).toMatchObject({ code: 0, stderr: "" });
  await ranNext();
  expect(await ranNext()).toEqual(["two"]);

  const sent = await traffic.stop();
  await handled.until(sent);
  expect(handled.values.map(({ id }) => id).sort((a, b) => a - b)).toEqual(
    Array.from({ length: sent }, (_, at) => at + 1),
  );
  for (const app of replicas) expect(app.told("delivery.failed")).toEqual([]);
});

const billing = (sum: string) => `
  export const metadata = { subject: "bills.paid", kind: "durable", retry: { attempts: 1 } };
  export default async ({ id, cents }, ctx) => {
    if (${sum} > 100) throw new Error("too much for " + id);
    await ctx.publish("billed", { id, cents: ${sum} });
  };`;

it("a message is run by what is kept, newest first, until a version does not fail it", async () => {
  const app = await startApp("bisected", { "bill.ts": billing("cents") });
  const one = await keptNow(app, "bill");
  const two = await save(app, "bill", billing("cents * 10"));
  await keptNow(app, "bill");
  const three = await save(app, "bill", billing("cents * 20"));
  await keptNow(app, "bill");
  const letters = await stage.client.collect("dlq.bisected.bill");
  const billed = await stage.client.collect("billed");
  stage.client.publish("bills.paid", { id: 1, cents: 50 });
  stage.client.publish("bills.paid", { id: 2, cents: 4 });
  await Promise.all([letters.until(1), billed.until(1)]);

  const found = await operate(app, "bisect", "1");
  expect(found).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`version ${two} began to fail it; ${one} does not`),
  });
  const passing = await operate(app, "bisect", "BISECTED_BILLS:2", "--handler", "bill");
  expect(passing).toMatchObject({ code: 1, stdout: expect.stringContaining(`version ${three}, the newest`) });
  expect(billed.values).toHaveLength(1);
});

it("the files are compared with what the replicas serve", async () => {
  const app = await startApp("compared", { "bill.ts": billing("cents") });
  const one = await keptNow(app, "bill");
  await save(app, "bill", billing("cents * 20"));
  await keptNow(app, "bill");
  expect(await operate(app, "rollback", "bill")).toMatchObject({ code: 0 });
  const billed = await stage.client.collect("billed");
  stage.client.publish("bills.paid", { id: 1, cents: 50 });
  stage.client.publish("bills.paid", { id: 2, cents: 4 });
  await billed.until(2);
  const other = await operate(app, "shadow", "bill", "--against", "live");
  expect(other).toMatchObject({ code: 1, stdout: expect.stringContaining("publish billed: data.cents") });
  expect(other.stdout).toMatch(new RegExp(`before +${one} .* what the replicas serve`));
  expect(other.stdout).toContain("outcome: returned → threw");
});
