// What whoever watches is told of messages: how each delivery ended, what it published and logged, and by what they belong
// together. Nobody watching: nothing.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { controlSubject } from "../../runtime/control/control-protocol.ts";
import { followMessages } from "../../runtime/control/follow-messages.ts";
import type { Seen } from "../../runtime/control/seen.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const FIRST = `export const metadata = { subject: "way.first", kind: "durable" };
export default async (event, ctx) => {
  ctx.log.info({ step: 1 }, "first saw it");
  await ctx.publish("way.stored", event);
  await ctx.publish("way.heard", event);
};`;
const STORED = `export const metadata = { subject: "way.stored", kind: "durable", retry: { attempts: 2, backoff: ["10ms"] } };
export default (event, ctx) => { if (ctx.attempt === 1) throw new Error("not yet " + event.n); };`;
const HEARD = `export const metadata = { subject: "way.heard" };
export default (event, ctx) => ctx.publish("way.out", [...ctx.headers].map(([name]) => name));`;
const HANDLERS = { "first.ts": FIRST, "stored.ts": STORED, "heard.ts": HEARD };
const CONFIG = { streams: [{ name: "WAY", subjects: ["way.first", "way.stored"] }] };

beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  for (const { name, subjects } of CONFIG.streams) await jsm.streams.add({ name, subjects });
});

/** What is told from now on, until the test ends it. */
function follow(app: string, payloads = true) {
  const stop = new AbortController();
  const seen: Seen[] = [];
  let answers = 0;
  const { connection } = stage.client;
  const options = { connection, app, inboxPrefix: undefined, clock: systemClock, payloads, signal: stop.signal };
  const done = (async () => {
    for await (const reply of followMessages(options)) {
      answers++;
      seen.push(...reply.seen);
    }
  })();
  return {
    seen,
    /** Resolves when a replica has answered: what happens from now on is told. */
    begun: () => expect.poll(() => answers).toBeGreaterThan(0),
    end: () => {
      stop.abort();
      return done;
    },
  };
}

describe("whoever watches messages", () => {
  it("is told how each delivery ended, what it published and logged, and what followed from that", async () => {
    await stage.start({ handlers: HANDLERS, config: { ...CONFIG, app: "watched" }, mode: "start" });
    const watched = follow("watched");
    await watched.begun();
    stage.client.publish("way.first", { n: 7 });
    const runs = () => watched.seen.filter((one) => one.kind === "run");
    await expect.poll(() => runs().length).toBe(4);
    const runOf = (handler: string, attempt = 1) => {
      const found = runs().find((one) => one.handler === handler && one.attempt === attempt);
      if (found === undefined) throw new Error(`no run ${attempt} of ${handler}`);
      return found;
    };
    const calls = watched.seen.filter((one) => one.kind === "call");
    const callTo = (subject: string) => calls.find((call) => call.subject === subject);
    const first = runOf("first");
    expect(callTo("way.stored")).toMatchObject({ handler: "first", id: first.id, verb: "publish" });
    expect(runOf("stored")).toMatchObject({
      origin: callTo("way.stored")?.origin,
      outcome: "threw",
      error: { code: "HANDLER_THREW", message: expect.stringContaining("not yet 7") },
      settled: expect.stringMatching(/will be retried in \d+ ms/),
      retryInMs: expect.any(Number),
    });
    expect(runOf("stored", 2)).toMatchObject({ id: runOf("stored").id, outcome: "returned" });
    expect(runOf("heard").origin).toBe(callTo("way.heard")?.origin);
    expect(watched.seen.filter((one) => one.kind === "line")).toMatchObject([
      { handler: "first", id: first.id, text: "first saw it", fields: `{"step":1}` },
    ]);
    expect(Buffer.from(first.payload.data ?? "", "base64").toString()).toBe(`{"n":7}`);
    await watched.end();
  });

  it("without payloads is told the rest", async () => {
    await stage.start({ handlers: HANDLERS, config: { ...CONFIG, app: "discreet" }, mode: "start" });
    const watched = follow("discreet", false);
    await watched.begun();
    stage.client.publish("way.first", { n: "geheim" });
    await expect.poll(() => watched.seen.filter((one) => one.kind === "run").length).toBe(4);
    const payloads = watched.seen.flatMap((one) => ("payload" in one ? [one.payload] : []));
    expect(payloads.length).toBeGreaterThan(4);
    for (const payload of payloads) expect(payload).toEqual({ bytes: expect.any(Number) });
    await watched.end();
  });

  it("changes nothing about messages while nobody does, and marks what is published while somebody does", async () => {
    await stage.start({ handlers: HANDLERS, config: { ...CONFIG, app: "marked" }, mode: "start" });
    const out = await stage.client.collect<string[]>("way.out");
    stage.client.publish("way.first", { n: 1 });
    expect(await out.until(1)).toEqual([["Handlers-Hops"]]);
    const watched = follow("marked");
    await watched.begun();
    stage.client.publish("way.first", { n: 2 });
    expect((await out.until(2))[1]).toEqual(["Handlers-Hops", "Handlers-Cause"]);
    await watched.end();
  });
});

describe("in dev", () => {
  it("the last messages are there for whoever comes later", async () => {
    await stage.start({ handlers: HANDLERS, config: { ...CONFIG, app: "kept" } });
    const out = await stage.client.collect<string[]>("way.out");
    stage.client.publish("way.first", { n: 1 });
    await out.until(1);
    const late = follow("kept");
    await expect.poll(() => late.seen.filter((one) => one.kind === "run").length).toBe(4);
    const numbers = late.seen.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    await late.end();
  });
});

it("a production runtime keeps nothing of what came before somebody watched", async () => {
  await stage.start({ handlers: HANDLERS, config: { ...CONFIG, app: "quiet" }, mode: "start" });
  const out = await stage.client.collect<string[]>("way.out");
  stage.client.publish("way.first", { n: 1 });
  await out.until(1);
  const request = JSON.stringify({ payloads: true, past: true, leaseMs: 0 });
  const reply = await stage.client.connection.request(controlSubject("quiet", "messages"), request);
  expect(reply.json<{ seen: unknown[] }>().seen).toEqual([]);
});
