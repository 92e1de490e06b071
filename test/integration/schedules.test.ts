// Handlers that run by themselves: once for the whole fleet at each planned time, whoever comes, goes and is killed.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { afterEach, describe, expect, it } from "vitest";
import { connectClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { startReplicas } from "../support/replicas.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Run {
  readonly plannedMs: number;
  readonly attempt: number;
  readonly event?: unknown;
}

/** Tells of each run on `ran`. */
const ticking = (metadata: string, body = "") => `
export const metadata = { subject: "tick", kind: "durable", ${metadata} };
export default async (event, ctx) => {
  await ctx.publish("ran", { plannedMs: ctx.scheduledFor.getTime(), attempt: ctx.attempt, event });
  ${body}
};`;

/** The runs that are told of from now on. */
async function hear(server: TestServer) {
  const { connection } = await connectClient(server.url);
  cleanups.push(() => connection.close());
  const runs: Run[] = [];
  connection.subscribe("ran", { callback: (_error, message) => void runs.push(message.json<Run>()) });
  await connection.flush();
  const times = () => runs.map(({ plannedMs }) => plannedMs);
  /** From now on so many more. */
  const more = async (count: number) => {
    const from = runs.length;
    await expect.poll(() => runs.length, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(from + count);
    return runs.slice(from);
  };
  return { connection, runs, times, more };
}

async function stage(handler: string, replicas = 2, beside: Readonly<Record<string, string>> = {}) {
  const server = await startTestServer();
  cleanups.push(() => server.stop());
  const heard = await hear(server);
  const manager = await jetstreamManager(heard.connection);
  await manager.streams.add({ name: "TICKS", subjects: ["tick"] });
  await manager.streams.add({ name: "RAN", subjects: ["ran"] });
  const files = { "tick.js": handler, ...beside };
  const fleet = await startReplicas({
    url: server.url,
    files,
    environments: Array.from({ length: replicas }, () => ({})),
  });
  cleanups.push(() => fleet.close());
  return { server, fleet, manager, ...heard };
}

/** Each planned time from the first to the last, once. */
function everyTime(times: readonly number[], everyMs: number): number[] {
  const [first, last] = [Math.min(...times), Math.max(...times)];
  return Array.from({ length: (last - first) / everyMs + 1 }, (_, at) => first + at * everyMs);
}

/** The planned times of a stream's messages, in their order. */
async function plannedIn(manager: JetStreamManager, stream: string): Promise<number[]> {
  const { state } = await manager.streams.info(stream);
  const seqs = Array.from({ length: state.last_seq - state.first_seq + 1 }, (_, at) => state.first_seq + at);
  const messages = await Promise.all(seqs.map((seq) => manager.streams.getMessage(stream, { seq })));
  return messages.map((message) => {
    const planned = message!.header.get("Handlers-Scheduled-For");
    return planned === "" ? message!.json<Run>().plannedMs : Date.parse(planned);
  });
}

const sorted = (times: readonly number[]) => times.toSorted((a, b) => a - b);

describe("two replicas and a schedule of every second", () => {
  it("meet each planned time once, and go on when one is killed", async () => {
    const { fleet, times, more, manager } = await stage(ticking('schedule: { every: "1s", missed: "all" }'));
    await more(5);
    process.kill(fleet.pids()[0]!, "SIGKILL");
    await fleet.processes[0]!.ended;
    await more(5);
    const seen = times();
    // What was in its hands when it was killed may have run twice; nothing else has, and nothing is left out.
    expect(sorted([...new Set(seen)])).toEqual(everyTime(seen, 1_000));
    expect(seen.length - new Set(seen).size).toBeLessThanOrEqual(1);
    const stored = await plannedIn(manager, "TICKS");
    expect(stored).toEqual(everyTime(stored, 1_000));
  }, 120_000);

  it("make up for what a restart of the server has held back, and run nothing twice", async () => {
    const { server, more, manager } = await stage(ticking('schedule: { every: "1s", missed: "all" }'));
    await more(2);
    await server.kill();
    await server.restart();
    await more(6);
    // What ran while nobody was connected who listens is in its stream.
    const [stored, ran] = [await plannedIn(manager, "TICKS"), await plannedIn(manager, "RAN")];
    expect(stored).toEqual(everyTime(stored, 1_000));
    expect(ran).toEqual(everyTime(ran, 1_000));
  }, 120_000);

  it("never run early, and the payload is the schedule's", async () => {
    const body = 'if (Date.now() < ctx.scheduledFor.getTime()) await ctx.publish("early", {});';
    const { connection, runs, more } = await stage(
      ticking('schedule: { cron: "* * * * * *", payload: { full: true } }', body),
    );
    let early = 0;
    connection.subscribe("early", { callback: () => void early++ });
    await more(4);
    expect(runs.every(({ event }) => (event as { full?: boolean }).full === true)).toBe(true);
    expect(early).toBe(0);
  }, 60_000);
});
