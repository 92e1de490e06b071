// `throw new SlowDown(..., { key })`: only messages that have the key in common pause, in every replica, and others are run.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

interface Ran {
  readonly n: number;
  readonly tenant: string;
  readonly attempt: number;
}

const stage = useStage();
let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

/** Asks the other side, which is the test, whether it may. */
const asking = (kind: string, pause: string) => `
  import { SlowDown } from "nats-handlers";
  export const metadata = { subject: "t.a", kind: "${kind}" };
  export default async ({ n, tenant }, ctx) => {
    const { status } = await ctx.request("other.side", { n, tenant, attempt: ctx.attempt });
    if (status === 429) throw new SlowDown("${pause}", "the other side says 429", { key: { field: "tenant" } });
  };`;

/** What the other side was asked; it says 429 to `busy` as long as there is one. */
function otherSide(): { readonly ran: Ran[]; busy: string | undefined } {
  const side: { ran: Ran[]; busy: string | undefined } = { ran: [], busy: undefined };
  stage.client.connection.subscribe("other.side", {
    callback: (_error, message) => {
      const asked = message.json<Ran>();
      side.ran.push(asked);
      message.respond(JSON.stringify({ status: asked.tenant === side.busy ? 429 : 200 }));
    },
  });
  return side;
}

const store = (n: number, tenant: string) => stage.client.connection.request("t.a", JSON.stringify({ n, tenant }));
const held = (app: TestRuntime) => app.status("h").holds.map(({ reason }) => reason);
const numbersOf = (ran: readonly Ran[], tenant: string) => ran.filter((one) => one.tenant === tenant).map(({ n }) => n);

it("of stored messages: those of the key wait in every replica, others do not, and nothing is charged or lost", async () => {
  const side = otherSide();
  const handlers = { "h.js": asking("durable", "6s") };
  const replicas = [await stage.start({ handlers }), await stage.start({ handlers })];
  side.busy = "acme";
  const bothHold = replicas.map(async (app) => {
    await app.next("handler.held", { reason: "keys-slowed-down" });
    return performance.now();
  });
  await store(0, "acme");
  const [one = 0, other = 0] = await Promise.all(bothHold);
  console.log(`the other replica pauses the key ${Math.abs(one - other).toFixed(1)} ms later`);
  const saidAt = side.ran.length;
  side.busy = undefined;
  const released = replicas.map((app) => app.next("handler.released", { reason: "keys-slowed-down" }));
  for (let n = 1; n <= 10; n++) await store(n, n % 2 === 0 ? "acme" : "other");
  await expect.poll(() => numbersOf(side.ran, "other").sort()).toEqual([1, 3, 5, 7, 9]);
  expect(numbersOf(side.ran, "acme")).toHaveLength(saidAt);
  for (const app of replicas) {
    const [hold] = app.status("h").holds;
    expect(hold?.text).toMatch(/messages of field tenant "acme" until .*Z \(the other side says 429\) wait/);
  }
  await Promise.all(released);
  await expect.poll(() => new Set(numbersOf(side.ran, "acme"))).toEqual(new Set([0, 2, 4, 6, 8, 10]));
  expect(new Set(side.ran.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  expect(replicas.flatMap((app) => app.told("delivery.failed"))).toEqual([]);
});

it("of events: those of the key are kept until the pause is over", { tags: ["any-server"] }, async () => {
  const side = otherSide();
  const app = await stage.start({ handlers: { "h.js": asking("event", "2s").replace("t.a", "e.a") } });
  side.busy = "acme";
  const publish = (n: number, tenant: string) => stage.client.publish("e.a", { n, tenant });
  publish(0, "acme");
  await expect.poll(() => held(app)).toEqual(["keys-slowed-down"]);
  side.busy = undefined;
  const released = app.next("handler.released", { reason: "keys-slowed-down" });
  for (let n = 1; n <= 6; n++) publish(n, n % 2 === 0 ? "acme" : "other");
  await expect.poll(() => numbersOf(side.ran, "other")).toEqual([1, 3, 5]);
  await expect.poll(() => app.status("h").queued).toBe(4);
  expect(numbersOf(side.ran, "acme")).toEqual([0]);
  await released;
  await expect.poll(() => numbersOf(side.ran, "acme")).toEqual([0, 0, 2, 4, 6]);
  expect(app.status("h").queued).toBe(0);
});
