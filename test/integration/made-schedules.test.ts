// Schedules that handlers make while they run: made, replaced, taken away, and what holds over two replicas, kills and outages.

import { type JetStreamManager, jetstreamManager, type StoredMsg } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { runCli, startCli } from "../support/cli-process.ts";
import { connectClient } from "../support/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

/** Makes and takes away what it is asked for, and answers with what came of it. */
const MAKER = `
export const metadata = { subject: "make", kind: "request", concurrency: 8 };
export default async ({ key, target, data, when, take }, ctx) => {
  try {
    if (take) return { wasThere: await ctx.unschedule(key) };
    await ctx.schedule(key, target, data, when);
    return { made: true };
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message };
  }
};`;

const TOLD = (subject: string, kind: string) => `
export const metadata = { subject: "${subject}", kind: "${kind}" };
export default (data, ctx) =>
  ctx.publish("ran", { at: ctx.scheduledFor?.getTime(), data, colour: ctx.headers.get("X-Colour"), hops: ctx.headers.get("Handlers-Hops") });`;

const HANDLERS = {
  "make.js": MAKER,
  "kept.js": TOLD("kept.tick", "durable"),
  "heard.js": TOLD("heard.tick", "event"),
};

interface Ran {
  readonly at: number;
  readonly data: unknown;
  readonly colour?: string;
  readonly hops?: string;
}

let jsm: JetStreamManager;
let ran: Ran[];
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  ran = [];
  const mine = ran;
  stage.client.connection.subscribe("ran", { callback: (_error, message) => void mine.push(message.json<Ran>()) });
  await stage.client.connection.flush();
});

async function ask(content: object): Promise<Record<string, unknown>> {
  const reply = await stage.client.connection.request("make", JSON.stringify(content), { timeout: 10_000 });
  return reply.json<Record<string, unknown>>();
}

const make = (key: string, target: string, when: unknown, data: unknown = {}) => ask({ key, target, when, data });
const take = (key: string) => ask({ key, take: true });
const times = (of: unknown = undefined) =>
  ran.filter(({ data }) => of === undefined || data === of).map(({ at }) => at);
const until = (count: number, of?: unknown) =>
  expect.poll(() => times(of).length, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(count);

function everySecond(seen: readonly number[]): number[] {
  const [first, last] = [Math.min(...seen), Math.max(...seen)];
  return Array.from({ length: (last - first) / 1_000 + 1 }, (_, at) => first + at * 1_000);
}

const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);

/** So many planned times of a schedule that nobody else has pass. */
async function secondsPass(count: number): Promise<void> {
  const mark = `clock-${Math.random()}`;
  await make("clock", "heard.tick", { every: "1s" }, mark);
  await until(count, mark);
  await take("clock");
}

/** Set the last planned time that was seen to, as after an outage. */
async function setBack(key: string, doneMs: number): Promise<void> {
  const message = await stored(key);
  const headers = createHeaders();
  headers.set("Handlers-Timetable", JSON.stringify({ ...entryIn(message), progress: { doneMs } }));
  await stage.client.connection.request(message.subject, message.data, { headers, timeout: 5_000 });
}

async function stored(key: string): Promise<StoredMsg> {
  const subject = `timetable.shop.key.${Buffer.from(key).toString("base64url")}`;
  return (await jsm.streams.getMessage("TIMETABLE_shop", { last_by_subj: subject }))!;
}

function entryIn({ header }: StoredMsg): Record<string, unknown> {
  return JSON.parse(header.get("Handlers-Timetable")) as Record<string, unknown>;
}

describe("a schedule that a handler makes", () => {
  it("publishes at each of its times, to a stream and to whoever listens, with the data and headers given", async () => {
    await stage.start({ handlers: HANDLERS });
    const when = { every: "1s", missed: "all", headers: { "X-Colour": "red" } };
    expect(await make("invoice/42 ü\n", "kept.tick", when, "kept")).toEqual({ made: true });
    expect(await make("heard", "heard.tick", { cron: "* * * * * *", timeZone: "Europe/Berlin" }, "heard")).toEqual({
      made: true,
    });
    await until(3, "kept");
    await until(3, "heard");
    const kept = ran.filter(({ data }) => data === "kept");
    expect(sorted(times("kept"))).toEqual(everySecond(times("kept")));
    // It begins where it is made: no circle of handlers goes on through it.
    expect(kept.map(({ colour, hops }) => [colour, hops])).toEqual(kept.map(() => ["red", undefined]));
    expect(await make("never", "kept.tick", "0 0 1 1 *", "never")).toEqual({ made: true });
    expect((await jsm.streams.info("TIMETABLE_shop")).state.messages).toBe(3);
  }, 60_000);

  it("is replaced by one of the same key, and gone when it is taken away", async () => {
    await stage.start({ handlers: HANDLERS });
    await make("k", "kept.tick", { every: "1s" }, "one");
    await until(1, "one");
    await make("k", "kept.tick", { every: "1s" }, "two");
    await until(2, "two");
    await make("k", "heard.tick", { cron: "*/2 * * * * *" }, "three");
    await until(2, "three");
    expect(times("three").every((at) => at % 2_000 === 0)).toBe(true);
    expect(Math.max(...times("one"))).toBeLessThan(Math.min(...times("two")));
    expect(Math.max(...times("two"))).toBeLessThan(Math.min(...times("three")));
    expect(await take("k")).toEqual({ wasThere: true });
    const takenAtMs = Date.now();
    await secondsPass(4);
    expect(Math.max(...times("three"))).toBeLessThanOrEqual(takenAtMs);
    expect(await take("k")).toEqual({ wasThere: false });
    expect((await jsm.streams.info("TIMETABLE_shop")).state.messages).toBe(0);
  }, 60_000);

  it("goes on where it was when it is made again as it is, however often", async () => {
    await stage.start({ handlers: HANDLERS });
    await make("k", "kept.tick", { every: "1s", missed: "all" });
    for (let count = 1; count <= 4; count++) {
      await Promise.all(Array.from({ length: 4 }, () => make("k", "kept.tick", { every: "1s", missed: "all" })));
      await until(count);
    }
    expect(sorted(times())).toEqual(everySecond(times()));
  }, 60_000);

  it("made at once by many is that of one of them, and nobody is refused", async () => {
    await stage.start({ handlers: HANDLERS });
    await stage.start({ handlers: HANDLERS });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => make("k", "kept.tick", { every: `${n + 1}h` }, n)),
    );
    expect(answers).toEqual(answers.map(() => ({ made: true })));
    expect((await jsm.streams.info("TIMETABLE_shop")).state.messages).toBe(1);
    const { target, missed } = entryIn(await stored("k"));
    expect([target, missed]).toEqual(["kept.tick", "once"]);
  }, 60_000);
});

describe("what cannot be", () => {
  it.each([
    [{ when: { cron: "0 25 * * *" } }, "INVALID_OPTION", /cron is no cron pattern/],
    [{ when: "0 0 31 2 *" }, "INVALID_OPTION", /is never due/],
    [{ when: { cron: "@daily", timeZone: "Mars/Olympus" } }, "INVALID_OPTION", /timeZone must be a time zone/],
    [{ when: { every: "10ms" } }, "INVALID_OPTION", /every must be .*"1s" to "365d"/],
    [{ when: { cron: "@daily", every: "1h" } }, "INVALID_OPTION", /give one of the two/],
    [{ when: { every: "1h", missed: "some" } }, "INVALID_OPTION", /missed must be/],
    [{ when: {} }, "INVALID_OPTION", /must be a cron pattern/],
    [{ when: { cronn: "@daily" } }, "UNKNOWN_OPTION", /ctx.schedule has no option "cronn".*cron/],
    [{ when: "@daily", key: "" }, "INVALID_NAME", /1 to 200 characters/],
    [{ when: "@daily", key: "k".repeat(201) }, "INVALID_NAME", /1 to 200 characters/],
    [{ when: "@daily", target: "a.*" }, undefined, /cannot publish to "a\.\*"/],
    [{ when: "@daily", data: "x".repeat(1_048_000) }, 413, /max_payload/],
  ])("is refused before anything is stored: %o", { tags: ["any-server"] }, async (said, code, message) => {
    await stage.start({ handlers: { "make.js": MAKER } });
    const answer = await ask({ key: "k", target: "kept.tick", data: {}, ...said });
    expect(answer).toMatchObject({ message: expect.stringMatching(message) });
    expect(answer.code).toBe(code);
    await expect(jsm.streams.info("TIMETABLE_shop")).rejects.toThrow("stream not found");
  });
});

describe("two replicas", () => {
  it("publish each planned time once, also those that a restart of the server has held back", async () => {
    const one = await stage.start({ handlers: HANDLERS });
    await stage.start({ handlers: HANDLERS });
    await make("k", "kept.tick", { every: "1s", missed: "all" });
    await until(3);
    await stage.server.kill();
    await stage.server.restart();
    await until(7);
    await one.close();
    await until(9);
    const planned = await plannedIn("kept.tick");
    expect(planned).toEqual(everySecond(planned));
  }, 90_000);

  it("of which one has made it: the other goes on with it, replaces it and takes it away", async () => {
    const one = await stage.start({ handlers: HANDLERS });
    await make("k", "heard.tick", { every: "1s" }, "one");
    await until(1, "one");
    const two = await stage.start({ handlers: { "heard.js": HANDLERS["heard.js"] } });
    await one.close();
    await until(times("one").length + 2, "one");
    const third = await stage.start({ handlers: { "make.js": MAKER } });
    await make("k", "heard.tick", { cron: "* * * * * *" }, "two");
    await third.close();
    await until(2, "two");
    expect(times("two")).toEqual([...new Set(times("two"))]);
    expect(two.told("schedule.met").every(({ handler, key }) => handler === "make" && key === "k")).toBe(true);
  }, 90_000);
});

it("after an outage of months, `missed` says what is made up for", async () => {
  const before = await stage.start({ handlers: HANDLERS });
  const periodMs = 30 * 86_400_000;
  for (const missed of ["all", "once", "skip"]) await make(missed, "kept.tick", { every: "30d", missed }, missed);
  await before.close();
  const doneMs = Date.now() - 100 * 86_400_000;
  for (const missed of ["all", "once", "skip"]) await setBack(missed, doneMs);
  const app = await stage.start({ handlers: HANDLERS });
  const [first, last] = [Math.floor(doneMs / periodMs) + 1, Math.floor(Date.now() / periodMs)];
  const planned = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * periodMs);
  await app.next("schedule.passed-over", { key: "skip", count: planned.length }, 0);
  await app.next("schedule.passed-over", { key: "once", count: planned.length - 1 }, 0);
  await until(planned.length + 1);
  expect([sorted(times("all")), times("once"), times("skip")]).toEqual([planned, planned.slice(-1), []]);
}, 60_000);

it("the stream removed while it runs: its schedules are gone, and new ones can be made", async () => {
  await stage.start({ handlers: HANDLERS });
  await make("k", "heard.tick", { every: "1s" }, "old");
  await until(1, "old");
  await jsm.streams.delete("TIMETABLE_shop");
  const deletedAtMs = Date.now();
  await secondsPass(3);
  await make("k", "heard.tick", { every: "1s" }, "new");
  await until(2, "new");
  expect(Math.max(...times("old"))).toBeLessThanOrEqual(deletedAtMs);
}, 60_000);

describe("handlers scheduled", () => {
  let app: TestRuntime;
  const cli = (...args: string[]) =>
    runCli([...args, "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });

  it("lists schedules by key, and cancels them", async () => {
    app = await stage.start({ handlers: HANDLERS });
    await make("b", "kept.tick", { cron: "0 9 * * MON", timeZone: "Europe/Berlin" }, { id: 1 });
    await make("a", "heard.tick", { every: "5m", missed: "skip" });
    const { schedules } = JSON.parse((await cli("scheduled", "list", "--json")).stdout) as { schedules: object[] };
    expect(schedules).toMatchObject([
      { key: "a", target: "heard.tick", everyMs: 300_000, missed: "skip", by: "make" },
      { key: "b", target: "kept.tick", cron: "0 9 * * MON", timeZone: "Europe/Berlin", missed: "once", bytes: 8 },
    ]);
    const { stdout } = await cli("scheduled", "list");
    expect(stdout).toMatch(/SCHEDULE +RUNS +NEXT/);
    expect(stdout).toMatch(/a +every 5m/);
    expect(stdout).toMatch(/b +at 0 9 \* \* MON \(Europe\/Berlin\)/);
    const cancelled = await cli("scheduled", "cancel", "--key", "a", "--key", "c");
    expect(cancelled).toMatchObject({ code: 0, stdout: 'schedule "a" is cancelled\n' });
    expect(cancelled.stderr).toContain('there is no schedule "c"');
    expect(await take("a")).toEqual({ wasThere: false });
  }, 60_000);
});

/** The planned times of what is stored under a subject, in their order. */
async function plannedIn(subject: string): Promise<number[]> {
  const stream = await jsm.streams.find(subject);
  const { state } = await jsm.streams.info(stream);
  const seqs = Array.from({ length: state.last_seq - state.first_seq + 1 }, (_, at) => state.first_seq + at);
  const messages = await Promise.all(seqs.map((seq) => jsm.streams.getMessage(stream, { seq })));
  return messages
    .filter((message) => message?.subject === subject)
    .map((message) => Date.parse(message!.header.get("Handlers-Scheduled-For")));
}

describe("without JetStream", { tags: ["any-server"] }, () => {
  it("it is refused with 501, in plain words", async () => {
    const plain = await startTestServer({
      config: "accounts { PLAIN { users: [{ user: plain, password: plain }] } }\nno_auth_user: plain\n",
    });
    const { connection } = await connectClient(plain.url);
    const project = createProject({ "make.js": MAKER });
    const replica = startCli(["start"], { cwd: project.rootDir, env: { NATS_URL: plain.url } });
    try {
      await replica.printed(/"msg":"ready: /);
      const said = JSON.stringify({ key: "k", target: "t", data: {}, when: "@daily" });
      const reply = await connection.request("make", said, { timeout: 10_000 });
      expect(reply.json()).toMatchObject({ code: 501, message: expect.stringContaining("JetStream") });
    } finally {
      replica.child.kill("SIGTERM");
      await replica.ended;
      await connection.close();
      await plain.stop();
      project.end();
    }
  }, 60_000);
});
