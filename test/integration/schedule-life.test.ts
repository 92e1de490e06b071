// What saving, removing, disabling, failing and replacing a handler does to its schedule.

import { jetstreamManager } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

interface Heard {
  readonly plannedMs: number;
  readonly attempt: number;
  readonly at: "begin" | "end";
}

/** Tells of the begin and the end of each run on `ran.NAME`. */
function scheduled(name: string, schedule: string, { more = "", kind = "durable", body = "" } = {}): string {
  return `
    export const metadata = { subject: "sched.${name}", kind: "${kind}", schedule: ${schedule}, ${more} };
    export default async (_event, ctx) => {
      const tell = (at) => ctx.publish("ran.${name}", { plannedMs: ctx.scheduledFor.getTime(), attempt: ctx.attempt, at });
      await tell("begin");
      ${body}
      await tell("end");
    };`;
}

/** Time passes as it ticks. */
const CLOCK = scheduled("clock", '"* * * * * *"', { kind: "event" });

function hear(name: string) {
  const heard: Heard[] = [];
  const { connection } = stage.client;
  connection.subscribe(`ran.${name}`, { callback: (_error, message) => void heard.push(message.json<Heard>()) });
  return {
    heard,
    begun: () => heard.filter(({ at }) => at === "begin").map(({ plannedMs }) => plannedMs),
    until: (count: number) =>
      expect.poll(() => heard.length, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(count),
  };
}

/** From now on, so many planned times of a handler. */
async function met(app: TestRuntime, handler: string, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let from = app.mark(); times.length < count; from = app.mark())
    times.push((await app.next("schedule.met", { handler }, from)).plannedMs);
  return times;
}

function everySecond(times: readonly number[]): number[] {
  const [first, last] = [Math.min(...times), Math.max(...times)];
  return Array.from({ length: (last - first) / 1_000 + 1 }, (_, at) => first + at * 1_000);
}

describe("a save", () => {
  it("that changes the schedule has the new one run, from now on, and the old one end", async () => {
    const app = await stage.start({ handlers: { "saved.js": scheduled("saved", '{ every: "1s" }') } });
    await met(app, "saved", 2);
    await app.after(() => app.project.write("saved.js", scheduled("saved", '"*/3 * * * * *"')), "handler.serving", {
      handler: "saved",
      why: "reload",
    });
    // What was on its way at that moment may still be the old one's.
    const [, ...times] = await met(app, "saved", 4);
    expect(times.map((at) => at % 3_000)).toEqual([0, 0, 0]);
    expect(app.told("schedule.passed-over")).toEqual([]);
  }, 60_000);

  it("that adds a schedule has it run, one that takes it away has it end", async () => {
    const plain = scheduled("added", "undefined");
    const app = await stage.start({ handlers: { "clock.js": CLOCK, "added.js": plain } });
    app.project.write("added.js", scheduled("added", '{ every: "1s" }'));
    await met(app, "added", 2);
    await app.after(() => app.project.write("added.js", plain), "handler.serving", { handler: "added" });
    await met(app, "clock", 1);
    const from = app.mark();
    await met(app, "clock", 3);
    expect(app.told("schedule.met", from).filter(({ handler }) => handler === "added")).toEqual([]);
  }, 60_000);
});

it("a schedule ends when its file is removed", async () => {
  const app = await stage.start({ handlers: { "clock.js": CLOCK, "gone.js": scheduled("gone", '{ every: "1s" }') } });
  await met(app, "gone", 1);
  await app.after(() => app.project.remove("gone.js"), "handler.removed", { handler: "gone" });
  const from = app.mark();
  await met(app, "clock", 3);
  expect(app.told("schedule.met", from).filter(({ handler }) => handler === "gone")).toEqual([]);
}, 60_000);

it("while it is disabled nothing is published; enabled again, `missed` says what is made up for", async () => {
  const handlers = (disabled: boolean) => ({
    "all.js": scheduled("all", '{ every: "1s", missed: "all" }', { more: `disabled: ${disabled}` }),
    "once.js": scheduled("once", '{ every: "1s" }', { more: `disabled: ${disabled}` }),
    "skip.js": scheduled("skip", '{ every: "1s", missed: "skip" }', { more: `disabled: ${disabled}` }),
  });
  const names = ["all", "once", "skip"] as const;
  const app = await stage.start({ handlers: { "clock.js": CLOCK, ...handlers(false) } });
  const all = hear("all");
  await Promise.all(names.map((name) => met(app, name, 2)));
  const off = app.mark();
  for (const [file, text] of Object.entries(handlers(true))) app.project.write(file, text);
  await Promise.all(names.map((name) => app.next("handler.disabled", { handler: name }, off)));
  await met(app, "clock", 1);
  const from = app.mark();
  await met(app, "clock", 4);
  expect(app.told("schedule.met", from).filter(({ handler }) => handler !== "clock")).toEqual([]);
  for (const [file, text] of Object.entries(handlers(false))) app.project.write(file, text);
  const missed = ["once", "skip"].map((handler) => app.next("schedule.passed-over", { handler }, from));
  for (const { count } of await Promise.all(missed)) expect(count).toBeGreaterThanOrEqual(3);
  const { length } = all.begun();
  await expect.poll(() => all.begun().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(length + 8);
  expect(all.begun()).toEqual(everySecond(all.begun()));
  expect(app.told("schedule.passed-over").filter(({ handler }) => handler === "all")).toEqual([]);
}, 90_000);

it("after an outage of months, `missed` says what is made up for", async () => {
  const every = "30d";
  const periodMs = 30 * 86_400_000;
  const handlers = Object.fromEntries(
    ["all", "once", "skip"].map((missed) => [
      `months/${missed}.js`,
      scheduled(`months-${missed}`, `{ every: "${every}", missed: "${missed}" }`),
    ]),
  );
  const before = await stage.start({ handlers });
  const manager = await jetstreamManager(stage.client.connection);
  const names = Object.keys(handlers).map((file) => file.slice(0, -".js".length));
  const marks = names.map((name) => `schedule.shop.${name.replace("/", ".")}`);
  const read = (subject: string) =>
    manager.streams.getMessage("SCHEDULE_shop", { last_by_subj: subject }).catch(() => null);
  for (const mark of marks) await expect.poll(() => read(mark)).not.toBeNull();
  await before.close();
  const doneMs = Date.now() - 100 * 86_400_000;
  for (const mark of marks) {
    const book = (await read(mark))!.json<{ marks: { doneMs: number }[] }>();
    book.marks[0]!.doneMs = doneMs;
    await stage.client.connection.request(mark, JSON.stringify(book));
  }
  const [all, once, skip] = ["months-all", "months-once", "months-skip"].map(hear);
  const app = await stage.start({ handlers });
  const [first, last] = [Math.floor(doneMs / periodMs) + 1, Math.floor(Date.now() / periodMs)];
  const planned = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * periodMs);
  await app.next("schedule.passed-over", { handler: "months/skip", count: planned.length }, 0);
  await app.next("schedule.passed-over", { handler: "months/once", count: planned.length - 1 }, 0);
  await once!.until(2);
  await all!.until(2 * planned.length);
  expect([all, once, skip].map((one) => one!.begun())).toEqual([planned, planned.slice(-1), []]);
}, 60_000);

describe("a run", () => {
  it("that takes longer than the time between two is not overtaken by the next", async () => {
    const { heard, until } = hear("slow");
    const body = "await new Promise((resolve) => setTimeout(resolve, 2_300));";
    await stage.start({ handlers: { "slow.js": scheduled("slow", '{ every: "1s" }', { body }) } });
    await until(6);
    expect(heard.slice(0, 6).map(({ at }) => at)).toEqual(["begin", "end", "begin", "end", "begin", "end"]);
  }, 60_000);

  it("that fails is retried, for the same planned time, and the next waits for it", async () => {
    const { heard, until } = hear("failing");
    const body = 'if (ctx.attempt === 1) throw new Error("not yet");';
    const more = 'retry: { attempts: 3, backoff: "1500ms" }';
    await stage.start({ handlers: { "failing.js": scheduled("failing", '{ every: "1s" }', { body, more }) } });
    await until(6);
    const [one, again, end, two, ...rest] = heard;
    expect([one, again, end].map((each) => [each?.at, each?.attempt, each?.plannedMs])).toEqual([
      ["begin", 1, one!.plannedMs],
      ["begin", 2, one!.plannedMs],
      ["end", 2, one!.plannedMs],
    ]);
    expect(rest[0]?.plannedMs).toBe(two?.plannedMs);
    expect(two!.plannedMs).toBeGreaterThan(one!.plannedMs);
  }, 60_000);
});

it("a run whose message is purged while it waits for its retry holds up nothing", async () => {
  const { heard, until } = hear("purged");
  const more = 'retry: { attempts: 2, backoff: "1h" }';
  const body = 'throw new Error("not now");';
  const app = await stage.start({ handlers: { "purged.js": scheduled("purged", '{ every: "1s" }', { body, more }) } });
  await app.next("delivery.failed", { handler: "purged" });
  const manager = await jetstreamManager(stage.client.connection);
  await manager.streams.purge(await manager.streams.find("sched.purged"));
  await until(2);
  expect(heard.map(({ attempt }) => attempt)).toEqual([1, 1]);
  expect(heard[1]!.plannedMs).toBeGreaterThan(heard[0]!.plannedMs);
}, 60_000);

describe("two replicas", () => {
  it("of an `event` handler run it once at each time", async () => {
    const { begun } = hear("twice");
    const handlers = { "twice.js": scheduled("twice", '"* * * * * *"', { kind: "event" }) };
    await stage.start({ handlers });
    await stage.start({ handlers });
    await expect.poll(() => begun().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(6);
    expect(begun()).toEqual([...new Set(begun())]);
  }, 60_000);

  it("of an old and a new build keep both schedules, however often the new one comes and goes", async () => {
    const { begun } = hear("rolled");
    const old = await stage.start({ handlers: { "rolled.js": scheduled("rolled", '{ every: "1s", missed: "all" }') } });
    await met(old, "rolled", 1);
    const handlers = { "rolled.js": scheduled("rolled", '"*/2 * * * * *"') };
    for (let time = 0; time < 4; time++) {
      const fresh = await stage.start({ handlers });
      await met(old, "rolled", 2);
      await fresh.close();
    }
    await expect.poll(() => begun().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(8);
    const times = begun().toSorted((a, b) => a - b);
    expect(times).toEqual(everySecond(times));
  }, 90_000);
});
