// A handler that always fails: `attempts` runs at the stated pace, then one dead letter with the right reason, whichever
// way it fails, and whoever dies on the last attempt. The other handlers of the subject see the message once.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { startCli } from "../support/cli-process.ts";
import type { Collector } from "../support/client.ts";
import { hurriedRestarts } from "../support/hurried-clock.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const DURABLE = durableNameOf("shop", "held", "ways.held");
const ATTEMPTS = 3;
/** For those that are to be too late; the others are given time on a busy machine, too. */
const SHORT = 'timeout: "400ms"';
const BACKOFF_MS = [200, 400];

interface Run {
  readonly way: string;
  readonly attempt: number;
  readonly atMs: number;
  readonly pid: number;
}

const WAYS: readonly { way: string; runs: number; reason: string; body: string; metadata?: string; says: RegExp }[] = [
  { way: "throw", runs: ATTEMPTS, reason: "threw", body: 'throw new Error("no stock")', says: /^no stock$/ },
  { way: "schema", runs: 0, reason: "invalid", body: "", metadata: "schema: z.object({ id: z.string() })", says: /id/ },
  { way: "giveup", runs: 1, reason: "gave-up", body: 'throw new GiveUp("expired")', says: /^expired$/ },
  { way: "later", runs: ATTEMPTS, reason: "retry-later", body: 'throw new RetryLater("200ms")', says: /./ },
  {
    way: "timeout",
    runs: ATTEMPTS,
    reason: "timed-out",
    body: "await new Promise(() => {})",
    metadata: SHORT,
    says: /within 400 ms$/,
  },
  { way: "exit", runs: ATTEMPTS, reason: "crashed", body: "process.exit(3)", says: /exit code 3/ },
  {
    way: "memory",
    runs: ATTEMPTS,
    reason: "out-of-memory",
    body: "const kept = []; for (;;) kept.push(new Array(1000).fill(Math.random()))",
    metadata: 'memory: "32MB"',
    says: /memory/,
  },
  { way: "loop", runs: ATTEMPTS, reason: "timed-out", body: "for (;;);", metadata: SHORT, says: /blocked/ },
];

function source({ way, body, metadata = "" }: (typeof WAYS)[number]): string {
  return `import { GiveUp, RetryLater } from "nats-handlers";
import { z } from "zod";
void [GiveUp, RetryLater, z];
export const metadata = {
  subject: "ways.${way}", kind: "durable", timeout: "20s", concurrency: 1,
  retry: { attempts: ${ATTEMPTS}, backoff: ${JSON.stringify(BACKOFF_MS.map((ms) => `${ms}ms`))} }, ${metadata}
};
export default async (event, ctx) => {
  await ctx.publish("ran", { way: "${way}", attempt: ctx.attempt, atMs: Date.now(), pid: process.pid });
  ${body};
};
`;
}

const listener = (kind: string) => `export const metadata = { subject: "ways.*", kind: "${kind}" };
export default (event, ctx) => ctx.publish("heard.${kind}", ctx.subject);`;

beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "WAYS", subjects: ["ways.*"] });
});

const box = () => new DeadLetterBox(stage.client.connection, "shop");

async function letters(count: number) {
  await expect.poll(async () => (await box().list()).length, { timeout: 50_000, interval: 100 }).toBe(count);
  return box().list();
}

/** No wait is shorter than what the handler asks for, less a quarter. One that waited for the server's patience would not end in time. */
function checkPace(runs: readonly Run[]): void {
  for (const [at, { atMs, way }] of runs.slice(1).entries()) {
    const waited = atMs - runs[at]!.atMs;
    const asked = way === "later" ? 200 : BACKOFF_MS[at]!;
    expect(waited, `${way}, before run ${at + 2}`).toBeGreaterThanOrEqual(asked * 0.74);
  }
}

describe("a handler that always fails", () => {
  it("is run as often as it says, at the pace it says, and leaves one letter; also after a redrive", async () => {
    const handlers = {
      ...Object.fromEntries(WAYS.map((way) => [`${way.way}.ts`, source(way)])),
      "listener.js": listener("durable"),
      "ear.js": listener("event"),
    };
    const app = await stage.start({ handlers, config: { killGrace: "200ms" }, clock: hurriedRestarts });
    const ran = await stage.client.collect<Run>("ran");
    const heard = await stage.client.collect<string>("heard.durable");
    const overheard = await stage.client.collect<string>("heard.event");
    for (const { way } of WAYS) stage.client.publish(`ways.${way}`, { id: 1 });

    const first = await letters(WAYS.length);
    checkLetters(first, ran, 1);
    const { connection } = stage.client;
    const ids = first.map(({ id }) => id);
    const sent = await redrive(ids, {
      connection,
      app: "shop",
      box: box(),
      clock: systemClock,
      copies: 1,
      rate: undefined,
    });
    expect(sent.redriven).toBe(WAYS.length);
    await expect
      .poll(async () => (await box().list()).filter(({ redriven }) => redriven === 1).length, {
        timeout: 50_000,
        interval: 100,
      })
      .toBe(WAYS.length);
    checkLetters(await letters(WAYS.length), ran, 2);
    const subjects = WAYS.map(({ way }) => `ways.${way}`).sort();
    expect(heard.values.toSorted()).toEqual(subjects);
    expect(overheard.values.toSorted()).toEqual(subjects);
    expect(app.status("listener").failed).toBe(0);
  }, 110_000);

  it("leaves one letter when its worker is killed on the last attempt", async () => {
    await stage.start({ handlers: { "held.js": holdsOnTheLast() } });
    const ran = await stage.client.collect<Run>("ran");
    stage.client.publish("ways.held", { id: 1 });
    await ran.until(ATTEMPTS);
    process.kill(ran.values[ATTEMPTS - 1]!.pid, "SIGKILL");
    expect(await letters(1)).toMatchObject([{ handler: "held", reason: "crashed", attempts: ATTEMPTS }]);
    expect(ran.values.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it("leaves one letter, unrun, when its supervisor is killed on the last attempt", async () => {
    const project = createProject({ "held.js": holdsOnTheLast() });
    const options = { cwd: project.rootDir, env: { NATS_URL: stage.server.url } };
    const one = startCli(["start"], options);
    await one.printed(/"event":"runtime.ready"/);
    const ran = await stage.client.collect<Run>("ran");
    stage.client.publish("ways.held", { id: 1 });
    await ran.until(ATTEMPTS);
    one.child.kill("SIGKILL");
    await one.ended;
    const two = startCli(["start"], options);
    await two.printed(/"event":"runtime.ready"/);
    // The server would wait for 30 seconds before it takes the message back.
    const jsm = await jetstreamManager(stage.client.connection);
    await jsm.consumers.update("WAYS", DURABLE, { ack_wait: 500_000_000 });
    expect(await letters(1)).toMatchObject([{ handler: "held", reason: "attempts-used", attempts: ATTEMPTS }]);
    expect(ran.values.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    two.child.kill("SIGTERM");
    expect(await two.ended).toMatchObject({ code: 0 });
    await expect.poll(() => jsm.consumers.info("WAYS", DURABLE)).toMatchObject({ num_pending: 0, num_ack_pending: 0 });
    project.end();
  });
});

function checkLetters(found: Awaited<ReturnType<typeof letters>>, ran: Collector<Run>, rounds: number): void {
  for (const { way, runs, reason, says } of WAYS) {
    const letter = found.find(({ handler }) => handler === way);
    const attempts = Math.max(1, runs) * rounds;
    expect(letter, way).toMatchObject({ reason, attempts, redriven: rounds - 1, subject: `ways.${way}` });
    expect(letter?.message, way).toMatch(says);
    const own = ran.values.filter((run) => run.way === way);
    const each = Array.from({ length: runs }, (_, at) => at + 1);
    expect(
      own.map(({ attempt }) => attempt),
      way,
    ).toEqual(Array.from({ length: rounds }, () => each).flat());
    checkPace(own.slice(runs * (rounds - 1)));
  }
}

/** Fails, and on its last attempt waits for whatever comes. */
function holdsOnTheLast(): string {
  return `export const metadata = {
  subject: "ways.held", kind: "durable", timeout: "60s", retry: { attempts: ${ATTEMPTS}, backoff: "20ms" }
};
export default async (event, ctx) => {
  await ctx.publish("ran", { way: "held", attempt: ctx.attempt, atMs: Date.now(), pid: process.pid });
  if (ctx.attempt < ctx.attempts) throw new Error("not yet");
  await new Promise(() => {});
};
`;
}
