// Saving, adding, removing and renaming handler files while messages flow: nothing is lost and nothing doubled.
// @module-tag any-server

import { expect, it } from "vitest";
import { fixture } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { startTraffic } from "../support/traffic.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
/** More than get a process at the start. */
const FILES = volume(200);
const SAVES = volume(100);
type Handled = { id: number; version: string };

const counting = (version: string | number, subject = "counted") =>
  fixture("counts-version.ts", { VERSION: version, SUBJECT: subject });
const answering = (version: string, subject: string) =>
  fixture("answers-version.ts", { VERSION: version, SUBJECT: subject });

/** The ids that were not handled exactly once. */
function faults(handled: readonly Handled[], sent: number): number[] {
  const times = new Map<number, number>();
  for (const { id } of handled) times.set(id, (times.get(id) ?? 0) + 1);
  return Array.from({ length: sent }, (_, at) => at + 1).filter((id) => times.get(id) !== 1);
}

const serves = (app: TestRuntime, handler: string, act: () => unknown) =>
  app.after(act, "handler.serving", { handler });

it("a new file dropped in serves", async () => {
  const app = await stage.start({});
  const served = await serves(app, "greet", () => app.project.write("greet.ts", answering("hello", "greet")));
  expect(served).toMatchObject({ kind: "request", subject: "greet", why: "start" });
  expect((await stage.client.ask("greet")).text).toBe('"hello"');
});

it(`saved ${SAVES} times under 2,000 messages/s, every message is handled exactly once, by one version or the other`, async () => {
  const app = await stage.start({ handlers: { "count.ts": counting(0) } });
  const handled = await stage.client.collect<Handled>("handled");
  const traffic = startTraffic(stage.client, "counted", 2_000);
  const { project } = app;
  const ways = [project.write, project.replace, project.writeTwice];
  for (let version = 1; version <= SAVES; version++) {
    await serves(app, "count", () => ways[version % 3]?.("count.ts", counting(version)));
  }
  const sent = (await traffic.stop()) + 1;
  stage.client.publish("counted", { id: sent });
  await handled.until(sent);
  expect(faults(handled.values, sent)).toEqual([]);
  expect(new Set(handled.values.map(({ version }) => version)).size).toBeGreaterThan(SAVES / 2);
  expect(handled.values.find(({ id }) => id === sent)?.version).toBe(String(SAVES));
  expect(app.told("delivery.failed")).toEqual([]);
  const retired = app.told("generation.retired");
  expect(retired.every(({ drained }) => drained)).toBe(true);
});

it("saves that follow each other faster than they can be brought up end with the last one, and lose nothing", async () => {
  const app = await stage.start({ handlers: { "count.ts": counting(0) } });
  const handled = await stage.client.collect<Handled>("handled");
  const traffic = startTraffic(stage.client, "counted", 1_000);
  for (let version = 1; version <= 60; version++) {
    app.project.write("count.ts", counting(version));
    // Not awaited to be live: only given to the loop, so that the watcher sees them one by one.
    await stage.client.flush();
  }
  const isLive = () => app.project.built("count", app.status("count").version ?? "").includes('"60"');
  for (let from = app.mark(); !isLive(); from = app.mark()) await app.next("handler.serving", {}, from);
  const sent = (await traffic.stop()) + 1;
  stage.client.publish("counted", { id: sent });
  await handled.until(sent);
  expect(faults(handled.values, sent)).toEqual([]);
  expect(handled.values.find(({ id }) => id === sent)?.version).toBe("60");
});

it("a save that changes only comments keeps the version and the process", async () => {
  const app = await stage.start({ handlers: { "count.ts": counting(1), "other.ts": counting(1, "other") } });
  const before = app.status("count");
  app.project.write("count.ts", `// a comment\n${counting(1)}\n// and another`);
  // Something that does change, saved later, is live: so the first save has been looked at.
  await serves(app, "other", () => app.project.write("other.ts", counting(2, "other")));
  await app.runtime.reload("count");
  expect(app.status("count")).toMatchObject({ version: before.version, pids: before.pids, reloads: 0 });
});

it("a changed shared module reloads the handlers that import it, and nobody else", async () => {
  const imports = (subject: string) =>
    `import { word } from "./_shared"; export const metadata = { subject: "${subject}", kind: "request" }; export default () => word;`;
  const app = await stage.start({
    handlers: {
      "_shared.ts": `export const word = "one";`,
      "a.ts": imports("shared.a"),
      "b.ts": imports("shared.b"),
      "c.ts": answering("one", "shared.c"),
    },
  });
  const from = app.mark();
  app.project.write("_shared.ts", `export const word = "two";`);
  await app.next("handler.serving", { handler: "a" }, from);
  await app.next("handler.serving", { handler: "b" }, from);
  await serves(app, "c", () => app.project.write("c.ts", answering("three", "shared.c")));
  const words = ["shared.a", "shared.b", "shared.c"].map(async (subject) => (await stage.client.ask(subject)).value);
  expect(await Promise.all(words)).toEqual(["two", "two", "three"]);
  expect(
    app
      .told("handler.serving", from)
      .map(({ handler }) => handler)
      .sort(),
  ).toEqual(["a", "b", "c"]);
});

it("a removed file is unsubscribed, and comes back when it is restored", async () => {
  const app = await stage.start({ handlers: { "greet.ts": answering("hello", "greet") } });
  await app.after(() => app.project.remove("greet.ts"), "handler.removed", { handler: "greet" });
  await expect(stage.client.ask("greet")).rejects.toThrow(/no responders/i);
  expect(app.runtime.status()).toEqual([]);
  await serves(app, "greet", () => app.project.write("greet.ts", answering("again", "greet")));
  expect((await stage.client.ask("greet")).value).toBe("again");
});

it("a file moved away and back at once, as some editors save, is never taken down", async () => {
  const app = await stage.start({ handlers: { "greet.ts": answering("hello", "greet") } });
  const from = app.mark();
  for (let save = 1; save <= 5; save++) {
    await serves(app, "greet", () => {
      app.project.rename("greet.ts", "greet.ts~");
      app.project.write("greet.ts", answering(`save ${save}`, "greet"));
    });
    expect((await stage.client.ask("greet")).value).toBe(`save ${save}`);
  }
  expect(app.told("handler.unbound", from)).toEqual([]);
  expect(app.told("handler.removed", from)).toEqual([]);
});

it("a renamed file serves under its new name, and the old one goes", async () => {
  const app = await stage.start({ handlers: { "old.ts": answering("hello", "renamed") } });
  const from = app.mark();
  app.project.rename("old.ts", "new.ts");
  await app.next("handler.removed", { handler: "old" }, from);
  await app.next("handler.serving", { handler: "new" }, from);
  expect((await stage.client.ask("renamed")).value).toBe("hello");
  expect(app.runtime.status().map(({ name }) => name)).toEqual(["new"]);
});

it("a changed subject is bound before the old one is given up, and nothing on either is lost", async () => {
  const app = await stage.start({ handlers: { "count.ts": counting("a", "moved.a") } });
  const handled = await stage.client.collect<Handled>("handled");
  // To both subjects at once: until the change the first is taken, after it the second, and in between both.
  const traffic = startTraffic(stage.client, "moved.a", 1_000);
  await serves(app, "count", () => app.project.write("count.ts", counting("b", "moved.*")));
  const sent = await traffic.stop();
  await handled.when((values) => new Set(values.map(({ id }) => id)).size >= sent);
  expect(new Set(handled.values.map(({ id }) => id)).size).toBe(sent);
  const order = app.events.filter(({ type }) => type === "handler.bound" || type === "handler.unbound");
  expect(order.map((event) => [event.type, (event as { subject: string }).subject]).slice(1, 2)).toEqual([
    ["handler.bound", "moved.*"],
  ]);
});

it("many files touched at once: the final state of every file is live", async () => {
  const handlers = Object.fromEntries(
    Array.from({ length: FILES }, (_, at) => [`h${at}.ts`, answering("one", `many.${at}`)]),
  );
  const app = await stage.start({ handlers });
  for (const name of Object.keys(handlers)) app.project.write(name, "half a file {");
  for (const [name, text] of Object.entries(handlers)) app.project.write(name, text.replace("one", "two"));
  for (const [name, text] of Object.entries(handlers)) app.project.replace(name, text.replace("one", "three"));
  const isLive = (at: number) => app.project.built(`h${at}`, app.status(`h${at}`).version ?? "").includes("three");
  for (let at = 0; at < FILES; at++) {
    // What serves may be older for a while; what comes later is awaited.
    for (let from = app.mark(); !isLive(at); from = app.mark()) await app.next("handler.serving", {}, from);
  }
  for (let at = 0; at < FILES; at += 8) expect((await stage.client.ask(`many.${at}`)).value).toBe("three");
  expect(app.runtime.status().every(({ lastFailure }) => lastFailure === undefined)).toBe(true);
});
