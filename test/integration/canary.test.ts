// A new version of a handler that has a share of the messages first: it gets all of them, or every replica goes back.
// @module-tag any-server

import { expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { startTraffic } from "../support/traffic.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
type Handled = { id: number; version: string };

interface Variant {
  readonly canary?: string;
  readonly subject?: string;
  /** An expression. */
  readonly fails?: string;
  readonly attempts?: number;
  /** What it throws: another class of the sdk's. */
  readonly error?: string;
}

const counting = (version: string, variant: Variant = {}) => `
  import { GiveUp } from "nats-handlers";
  export const metadata = {
    subject: "${variant.subject ?? `${story}.>`}", kind: "durable", retry: { attempts: ${variant.attempts ?? 5}, backoff: "10ms" },
    canary: ${variant.canary ?? "{ percent: 25, messages: 50 }"},
  };
  export default async ({ id }, ctx) => {
    if (${variant.fails ?? false}) throw new ${variant.error ?? "Error"}("no " + id);
    await ctx.publish("handled", { id, version: "${version}" });
  };`;

/** Resolves with the version that is tried. */
async function tryNext(app: TestRuntime, text: string): Promise<string> {
  return (await app.after(() => app.project.write("count.ts", text), "canary.began", { handler: "count" })).version;
}

async function save(app: TestRuntime, text: string): Promise<string> {
  return (await app.after(() => app.project.write("count.ts", text), "handler.serving", { handler: "count" })).version;
}

/** Each story has an app and a stream of its own. */
let story = "";

function startApp(name: string, text: (version: string) => string = counting): Promise<TestRuntime> {
  story = name;
  return stage.start({ project: createProject({ "count.ts": text("one") }), config: { app: name } });
}

function operate(app: TestRuntime, ...args: string[]) {
  return runCli([...args, "--app", story], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
}

function publish(from: number, to: number): void {
  for (let id = from; id <= to; id++) stage.client.publish(`${story}.now`, { id });
}

const of = (version: string, handled: readonly Handled[]) => handled.filter((one) => one.version === version);
const idsOf = (handled: readonly Handled[]) => handled.map(({ id }) => id).sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

it("a version that does no worse gets its share, then all messages", async () => {
  const app = await startApp("passes");
  const one = app.status("count").version;
  const two = await tryNext(app, counting("two"));
  const handled = await stage.client.collect<Handled>("handled");
  publish(1, 100);
  await handled.until(100);
  // Numbers in a row are spread evenly.
  expect(Math.abs(of("two", handled.values).length - 25)).toBeLessThanOrEqual(1);
  expect(app.status("count")).toMatchObject({ version: one, ownVersion: two, canary: { version: two, percent: 25 } });
  expect(app.status("count").pids).toHaveLength(2);
  const told = new RegExp(`tries ${two} on 25 %: \\d+ of 50 messages, 0 failed; of the others 0 of \\d+ failed`);
  expect((await operate(app, "inspect", "count")).stdout).toMatch(told);
  expect((await operate(app, "status")).stdout).toMatch(told);

  const from = app.mark();
  publish(101, 300);
  expect(await app.next("handler.serving", { handler: "count" }, from)).toMatchObject({ version: two });
  await handled.until(300);
  publish(301, 320);
  await handled.until(320);
  expect(of("two", handled.values.slice(300))).toHaveLength(20);
  expect(app.status("count")).toMatchObject({ version: two, canary: undefined, ownVersion: undefined });
  expect(app.told("canary.passed")).toMatchObject([{ version: two, before: one }]);
  expect(idsOf(handled.values)).toEqual(upTo(320));
});

it("one that fails more often is taken back, unless the operator insists", async () => {
  const app = await startApp("returns");
  const one = app.status("count").version;
  const two = await tryNext(app, counting("two", { fails: "id < 1000" }));
  const handled = await stage.client.collect<Handled>("handled");
  publish(1, 100);
  expect(await app.next("handler.rolled-back", {}, 0)).toMatchObject({ version: one, from: two, by: "canary" });
  await handled.until(100);
  expect(idsOf(of("one", handled.values))).toEqual(upTo(100));
  const reason = expect.stringMatching(
    /^\d+ of \d+ messages failed \(100 %\); of the version before 0 of \d+ .*\(0 %\)$/,
  );
  expect(app.told("canary.returned")).toMatchObject([{ version: two, before: one, reason }]);
  expect(app.status("count")).toMatchObject({ version: one, canary: undefined, rollback: { by: "canary", to: one } });
  const { stdout } = await operate(app, "status");
  expect(stdout).toMatch(new RegExp(`rolled back from ${two} to ${one} by canary .* messages failed`));

  expect(await operate(app, "rollback", "count", "--off")).toMatchObject({ code: 0, stderr: "" });
  expect(app.status("count")).toMatchObject({ version: two, canary: undefined, rollback: undefined });
});

it.each([
  ["whose only attempt it fails", { attempts: 1, fails: "true" }],
  ["that it gives up", { fails: "true", error: "GiveUp" }],
])("a message %s is no dead letter: the version before handles it", async (_which, variant) => {
  const app = await startApp(`spares-${_which.length}`, (version) => counting(version, { attempts: 1 }));
  const one = app.status("count").version;
  await tryNext(app, counting("two", { ...variant, canary: "{ percent: 25, messages: 1000 }" }));
  const handled = await stage.client.collect<Handled>("handled");
  const letters = await stage.client.collect(`dlq.${story}.count`);
  publish(1, 60);
  await handled.until(60);
  expect(idsOf(of("one", handled.values))).toEqual(upTo(60));
  publish(61, 260);
  expect(await app.next("handler.rolled-back", {}, 0)).toMatchObject({ version: one, by: "canary" });
  await handled.until(260);
  expect(idsOf(of("one", handled.values))).toEqual(upTo(260));
  expect(letters.values).toEqual([]);
});

it("one whose process ends is taken back at once, and what it had in hand is handled", async () => {
  const app = await startApp("dies");
  const one = app.status("count").version;
  const handled = await stage.client.collect<Handled>("handled");
  const two = await tryNext(app, counting("two", { fails: "process.exit(3)" }));
  publish(1, 20);
  await handled.until(20);
  expect(idsOf(of("one", handled.values))).toEqual(upTo(20));
  await app.next("handler.rolled-back", {}, 0);
  const reason = expect.stringContaining("code 3");
  expect(app.told("canary.returned")).toMatchObject([{ version: two, before: one, reason }]);
  expect(app.status("count")).toMatchObject({ version: one, restarts: 0 });
});

it("the next save is tried in its place; one that takes other messages is not tried, which is told", async () => {
  const app = await startApp("saves");
  const one = app.status("count").version;
  await tryNext(app, counting("two"));
  const three = await tryNext(app, counting("three"));
  expect(app.told("canary.began")).toMatchObject([{ before: one }, { before: one, version: three }]);
  await app.next("generation.retired", {}, 0);
  const handled = await stage.client.collect<Handled>("handled");
  publish(1, 40);
  await handled.until(40);
  expect(of("two", handled.values)).toEqual([]);
  expect(Math.abs(of("three", handled.values).length - 10)).toBeLessThanOrEqual(1);

  const four = await save(app, counting("four", { subject: "saves.now" }));
  await app.next("handler.unbound", {}, 0); // Until then both take messages.
  expect(app.status("count")).toMatchObject({ version: four, canary: undefined });
  const message = expect.stringContaining(
    `version ${four} takes all messages at once, without a canary: it takes other`,
  );
  expect(app.told("runtime.notice")).toContainEqual(expect.objectContaining({ level: "warn", message }));
  publish(41, 60);
  await handled.until(60);
  expect(of("four", handled.values)).toHaveLength(20);
});

it("the version of before again ends the trial, and so does turning the handler off", async () => {
  const app = await startApp("ends");
  const one = app.status("count").version;
  await tryNext(app, counting("two"));
  await app.after(() => app.project.write("count.ts", counting("one")), "generation.retired");
  expect(app.status("count")).toMatchObject({ version: one, canary: undefined });

  await tryNext(app, counting("two"));
  expect(await operate(app, "disable", "count")).toMatchObject({ code: 0 });
  await app.next("generation.retired", ({ version }) => version === one, 0);
  expect(app.status("count")).toMatchObject({ state: "disabled", canary: undefined, pids: [] });
  const handled = await stage.client.collect<Handled>("handled");
  expect(await operate(app, "enable", "count")).toMatchObject({ code: 0 });
  publish(1, 5);
  await handled.until(5);
});

const answering = (version: string) => `
  export const metadata = { subject: "asked.ask", kind: "request", canary: { percent: 50, messages: 10 } };
  export default () => "${version}";`;

it("requests are shared too", async () => {
  const app = await startApp("asked", answering);
  await tryNext(app, answering("two"));
  const answers = async (count: number) =>
    Promise.all(upTo(count).map(async () => (await stage.client.ask("asked.ask")).value));
  const first = await answers(10);
  expect(first.filter((answer) => answer === "two")).toHaveLength(5);
  await app.after(() => answers(20), "handler.serving");
  expect(new Set(await answers(10))).toEqual(new Set(["two"]));
});

it("on two replicas under load: the share is kept, one that fails is taken back on both, and nothing is lost", async () => {
  const variant = { canary: "{ percent: 10, messages: 100 }" };
  const text = (version: string, fails = "false") => counting(version, { ...variant, fails });
  const replicas = [await startApp("loaded", text), await startApp("loaded", text)] as const;
  const one = replicas[0].status("count").version;
  const handled = await stage.client.collect<Handled>("handled");
  // A thousand a second in the nightly run.
  const traffic = startTraffic(stage.client, "loaded.now", volume(1_000));
  await handled.until(volume(1_000));

  const [two] = await Promise.all(replicas.map((app) => tryNext(app, text("two"))));
  const from = handled.values.length;
  await handled.until(from + volume(1_500));
  const share = of("two", handled.values.slice(from)).length / (handled.values.length - from);
  expect(share).toBeGreaterThan(0.07);
  expect(share).toBeLessThan(0.13);
  await Promise.all(replicas.map((app) => app.next("canary.passed", { version: two! }, 0)));
  await Promise.all(replicas.map((app) => app.next("handler.serving", { version: two! }, 0)));

  const begun = Promise.all(replicas.map((app) => app.next("canary.began", { before: two! })));
  for (const app of replicas) app.project.write("count.ts", text("three", "id % 3 === 0"));
  const back = { from: (await begun)[0]!.version, version: two!, by: "canary" };
  await Promise.all(replicas.map((app) => app.next("handler.rolled-back", back, 0)));
  expect(replicas.some((app) => app.told("canary.returned").length > 0)).toBe(true);
  for (const app of replicas) expect(app.status("count")).toMatchObject({ version: two, rollback: { by: "canary" } });
  const after = handled.values.length;
  await handled.until(after + volume(1_000));
  expect(of("three", handled.values.slice(-volume(300)))).toEqual([]);
  expect(one).not.toBe(two);

  const sent = await traffic.stop();
  await handled.until(sent);
  expect(idsOf(handled.values)).toEqual(upTo(sent));
});

it("a replica that starts with a new version serves the one before, and tries its own beside it; one that has passed is not tried again", async () => {
  const first = await startApp("starts");
  const { version: one } = await first.next("version.kept", {}, 0);
  await first.close();
  const start = (version: string) =>
    stage.start({ project: createProject({ "count.ts": counting(version) }), config: { app: story } });

  const second = await start("two");
  const { version: two } = await second.next("canary.began", { before: one }, 0);
  expect(second.status("count")).toMatchObject({ version: one, ownVersion: two });
  const handled = await stage.client.collect<Handled>("handled");
  publish(1, 40);
  await handled.until(40);
  expect(Math.abs(of("two", handled.values).length - 10)).toBeLessThanOrEqual(1);
  publish(41, 240);
  await second.next("version.kept", { version: two }, 0);
  await handled.until(240);
  await second.close();

  const third = await start("two");
  expect(third.status("count")).toMatchObject({ version: two, canary: undefined });
  expect(third.told("canary.began")).toEqual([]);
});

it("a version before that does not come up any more is passed over, which is told", async () => {
  const needy = (version: string) =>
    `${counting(version)}\nif (process.env.BEFORE === "gone") throw new Error("no home");`;
  const env = (text: string) => text.replace("canary:", 'env: ["BEFORE"], canary:');
  story = "gone";
  const start = (text: string, BEFORE: string) =>
    stage.start({
      project: createProject({ "count.ts": env(text) }),
      config: { app: story },
      environment: { BEFORE },
    });
  const first = await start(needy("one"), "there");
  await first.next("version.kept", {}, 0);
  await first.close();

  const second = await start(counting("two"), "gone");
  const { version } = await second.next("handler.serving", {}, 0);
  expect(second.status("count")).toMatchObject({ version, canary: undefined, lastFailure: undefined });
  const message = expect.stringMatching(/without a canary: the version before does not come up: .*no home/s);
  expect(second.told("runtime.notice")).toContainEqual(expect.objectContaining({ message }));
});
