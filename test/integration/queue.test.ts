// Who gets which message, how many at a time, in what order, and what happens when there are too many.
// @module-tag any-server

import { expect, it } from "vitest";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";
import { startTraffic } from "../support/traffic.ts";

const stage = useStage();

it("two runtimes share a subject, each message once in total; another handler gets a copy of each", async () => {
  const counting = (version: string) => fixture("counts-version.ts", { VERSION: version, SUBJECT: "shared" });
  await stage.start({ handlers: { "count.ts": counting("one"), "copy.ts": counting("copy") } });
  await stage.start({ handlers: { "count.ts": counting("two") } });
  const handled = await stage.client.collect<{ id: number; version: string }>("handled");
  for (let id = 1; id <= 400; id++) stage.client.publish("shared", { id });
  const values = await handled.until(800);
  const by = (...versions: string[]) =>
    values
      .filter(({ version }) => versions.includes(version))
      .map(({ id }) => id)
      .sort((a, b) => a - b);
  const each = Array.from({ length: 400 }, (_, at) => at + 1);
  expect(by("one", "two")).toEqual(each);
  expect(by("copy")).toEqual(each);
  expect(Math.min(by("one").length, by("two").length)).toBeGreaterThan(0);
});

it("requests beyond maxQueued get 429; those within are answered", async () => {
  const text = fixture("says-goodbye.ts").replace("concurrency: 1", "concurrency: 1, maxQueued: 5");
  await stage.start({ handlers: { "slow.ts": text } });
  const gate = await stage.client.collect<number>("gate");
  const answers = Array.from({ length: 40 }, (_, n) => stage.client.ask("farewell", n));
  const [first] = await gate.until(1);
  expect(first).toBe(0);
  await stage.client.flush();
  // Answered at once, in whatever order: the refused ones do not wait for the gate.
  const refused = await Promise.any(answers);
  expect([refused.code, refused.error]).toEqual([429, expect.stringContaining("queue is full")]);
  for (let at = 0; at < gate.values.length; at++) {
    gate.messages[at]?.respond("null");
    await Promise.race([gate.when((values) => values.length > at + 1), Promise.all(answers)]);
  }
  const codes = (await Promise.all(answers)).map(({ code }) => code);
  expect(codes.filter((code) => code !== 0 && code !== 429)).toEqual([]);
  const good = codes.filter((code) => code === 0).length;
  expect(good).toBeGreaterThanOrEqual(6);
  expect(good).toBeLessThan(40);
});

it("events beyond maxQueued are dropped, and counted in a bounded number of log events", async () => {
  const text = fixture("waits-at-a-gate.ts").replace("concurrency: 8", "concurrency: 1, maxQueued: 10");
  const app = await stage.start({ handlers: { "slow.ts": text } });
  const gate = await stage.client.collect<{ n: number }>("gate");
  const handled = await stage.client.collect<{ n: number }>("handled.gated");
  stage.client.publish("gated", 0);
  await gate.until(1);
  const from = app.mark();
  for (let n = 1; n <= 5_000; n++) stage.client.publish("gated", n);
  expect((await app.next("delivery.dropped", {}, from)).why).toMatch(/queue is full \(10 messages/);
  const accounted = () =>
    app.told("delivery.dropped", from).reduce((sum, { count }) => sum + count, handled.values.length);
  for (let at = 0; accounted() < 5_001; at++) {
    await gate.until(at + 1);
    gate.messages[at]?.respond("null");
    await handled.until(at + 1);
  }
  expect(handled.values.length).toBeGreaterThanOrEqual(11);
  expect(app.events.length - from).toBeLessThan(20);
});

it("never more than `concurrency` messages run at a time", async () => {
  await stage.start({ handlers: { "gated.ts": fixture("waits-at-a-gate.ts") } });
  const gate = await stage.client.collect<{ together: number }>("gate");
  for (let n = 0; n < 100; n++) stage.client.publish("gated", n);
  for (let at = 0; at < 100; at++) {
    // With eight at the gate nobody else comes until one is let through.
    await gate.until(Math.min(100, at + 8));
    expect(gate.values.length).toBe(Math.min(100, at + 8));
    gate.messages[at]?.respond("null");
  }
  expect(Math.max(...gate.values.map(({ together }) => together))).toBe(8);
});

it("with concurrency 1 the order is kept, also across reloads", async () => {
  const text = (version: number) => fixture("answers-in-order.ts", { VERSION: version });
  const app = await stage.start({ handlers: { "ordered.ts": text(0) } });
  const handled = await stage.client.collect<{ n: number; version: string; together: number }>("handled.ordered");
  const { client } = stage;
  const numbered = { ...client, publish: (subject: string, value: unknown) => client.publish(subject, idOf(value)) };
  const traffic = startTraffic(numbered, "ordered", 1_000);
  for (let version = 1; version <= 10; version++) {
    const save = () => app.project.write("ordered.ts", text(version));
    await app.after(save, "handler.serving", { handler: "ordered" });
  }
  const sent = await traffic.stop();
  await handled.until(sent);
  expect(handled.values.map(({ n }) => n)).toEqual(Array.from({ length: sent }, (_, at) => at + 1));
  expect(new Set(handled.values.map(({ version }) => version)).size).toBeGreaterThan(5);
  expect(handled.values.every(({ together }) => together === 1)).toBe(true);
});

function idOf(value: unknown): number {
  return (value as { id: number }).id;
}
