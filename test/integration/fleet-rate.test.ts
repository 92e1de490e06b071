// `rate` over all replicas together, and for each key: turns are reserved in one place, and what waits for its own holds up nobody.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

interface Ran {
  readonly n: number;
  readonly key: string;
  readonly attempt: number;
  readonly at: number;
  readonly pid: number;
}

const stage = useStage();
let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const handler = (metadata: string) => `
  export const metadata = { ${metadata} };
  export default ({ n }, ctx) =>
    ctx.publish("ran", { n, key: ctx.wildcards[0], attempt: ctx.attempt, at: Date.now(), pid: process.pid });`;

const store = (subject: string, n: number) => stage.client.connection.request(subject, JSON.stringify({ n }));

async function inHand(): Promise<{ readonly pending: number; readonly inHand: number }[]> {
  const found: { pending: number; inHand: number }[] = [];
  for await (const { num_pending, num_ack_pending } of jsm.consumers.list("T"))
    found.push({ pending: num_pending, inHand: num_ack_pending });
  return found;
}

/** Most that began within so many milliseconds. */
function mostWithin(spanMs: number, ran: readonly Ran[]): number {
  const times = ran.map(({ at }) => at).sort((a, b) => a - b);
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + spanMs).length));
}

it("over all replicas: they share the turns, never begin more, and each message is run once", async () => {
  const ran = await stage.client.collect<Ran>("ran");
  const handlers = { "save.js": handler('subject: "t.*", kind: "durable", rate: { limit: "40/s", per: "fleet" }') };
  await Promise.all([stage.start({ handlers }), stage.start({ handlers })]);
  for (let n = 0; n < 120; n++) await store("t.a", n);
  const all = await ran.until(120);
  expect(new Set(all.map(({ n }) => n)).size).toBe(120);
  expect(new Set(all.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  expect(new Set(all.map(({ pid }) => pid)).size).toBe(2);
  // By themselves two would begin 80 in a second, and take half of the three seconds. A process that is late says a later time.
  expect(mostWithin(1_000, all)).toBeLessThan(60);
  const span = Math.max(...all.map(({ at }) => at)) - Math.min(...all.map(({ at }) => at));
  expect(span).toBeGreaterThan(2_000);
  await expect.poll(inHand).toEqual([{ pending: 0, inHand: 0 }]);
});

it("over all replicas: nothing begins while turns cannot be reserved, which is told, and all begins when they can", async () => {
  const ran = await stage.client.collect<Ran>("ran");
  await jsm.streams.add({
    name: "RATES_shop",
    subjects: ["rates.shop.>"],
    max_msgs: 0,
    max_bytes: 1,
    discard: "new" as never,
  });
  const app = await stage.start({
    handlers: { "save.js": handler('subject: "t.*", kind: "durable", rate: { limit: "100/s", per: "fleet" }') },
  });
  const held = app.next("handler.held", { reason: "turns-unreserved" });
  for (let n = 0; n < 3; n++) await store("t.a", n);
  expect((await held).text).toMatch(/its turns cannot be reserved.*maximum/);
  expect(ran.values).toEqual([]);
  const released = app.next("handler.released", { reason: "turns-unreserved" });
  await jsm.streams.update("RATES_shop", { max_bytes: 1_000_000 });
  await released;
  expect((await ran.until(3)).map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
});

it.each(["replica", "fleet"])(
  "for each key, per %s: one that has no turn lets the others pass, uncharged",
  async (per) => {
    const ran = await stage.client.collect<Ran>("ran");
    const rate = (limit: string) => `rate: { limit: "${limit}", per: "${per}", key: { wildcard: 0 } }`;
    const metadata = (limit: string) => handler(`subject: "t.*", kind: "durable", concurrency: 1, ${rate(limit)}`);
    const app = await stage.start({ handlers: { "save.js": metadata("1/h") } });
    for (let n = 0; n < 20; n++) await store("t.a", n);
    await store("t.b", 20);
    await store("t.c", 21);
    expect((await ran.until(3)).map(({ key }) => key).sort()).toEqual(["a", "b", "c"]);
    // What a function published is here before the function has ended.
    await expect.poll(() => app.status("save")).toMatchObject({ queued: 19, inFlight: 0 });

    app.project.write("save.js", metadata("1000/s"));
    // Those of a key wait for the turn that was reserved of the old rate, where it holds over all replicas.
    const all = per === "fleet" ? ran.values : await ran.until(22);
    expect(new Set(all.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  },
);

it("for each key of events: what waits is in the queue, and the others pass", { tags: ["any-server"] }, async () => {
  const ran = await stage.client.collect<Ran>("ran");
  const rate = 'rate: { limit: "1/h", key: { wildcard: 0 } }';
  const app = await stage.start({ handlers: { "save.js": handler(`subject: "e.*", ${rate}`) } });
  for (let n = 0; n < 5; n++) stage.client.publish("e.a", { n });
  stage.client.publish("e.b", { n: 5 });
  expect((await ran.until(2)).map(({ key }) => key)).toEqual(["a", "b"]);
  expect(app.status("save").queued).toBe(4);
});

it("`inspect` says how many may begin, and whose turn it is", { tags: ["any-server"] }, async () => {
  const rate = 'rate: { limit: "30/m", per: "fleet", key: { header: "tenant" } }';
  const app = await stage.start({
    handlers: {
      "save.js": handler(`subject: "t.*", kind: "durable", ${rate}`),
      "mail.js": handler(
        'subject: "t.a", kind: "durable", rate: "5/s", fairBy: { key: { header: "tenant" }, concurrency: 2 }',
      ),
    },
  });
  const cli = { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } };
  const [save, mail] = await Promise.all(["save", "mail"].map((name) => runCli(["inspect", name], cli)));
  expect(save!.stdout).toMatch(/rate +at most 30\/m begin over all replicas, for each header tenant\n/);
  expect(mail!.stdout).toMatch(/rate +at most 5\/s begin in each replica\n/);
  expect(mail!.stdout).toMatch(/fair +each header tenant has its turn, at most 2 of one at a time in each replica\n/);
});
