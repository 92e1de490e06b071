// `orderBy`: messages of one key run one after another, in their order, beside those of other keys.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const KEYS = 8;

interface Ran {
  readonly key: string;
  readonly n: number;
  readonly together: number;
  readonly ofKey: number;
}

const ordered = (version = 1, more = "") => `
const running = new Map();
let all = 0;
export const metadata = {
  subject: "shop.order", kind: "durable", concurrency: 32, orderBy: (order) => order.key, ${more}
};
export default async ({ key, n, fail, ms = n % 5 }, ctx) => {
  const ofKey = (running.get(key) ?? 0) + 1;
  running.set(key, ofKey);
  const together = ++all;
  await new Promise((resolve) => setTimeout(resolve, ms));
  running.set(key, ofKey - 1);
  all--;
  await ctx.publish("ran", { key, n, together, ofKey, attempt: ctx.attempt, version: ${version} });
  if (fail && ctx.attempt === 1) throw new Error("no");
};
`;

beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "SHOP", subjects: ["shop.>"] });
});

function publish(from: number, count: number): void {
  for (let n = from; n < from + count; n++) stage.client.publish("shop.order", { key: `k${n % KEYS}`, n });
}

function outOfOrder(ran: readonly Ran[]): Ran[] {
  const last = new Map<string, number>();
  return ran.filter(({ key, n }) => {
    const before = last.get(key) ?? -1;
    last.set(key, n);
    return n < before;
  });
}

it("keeps the order of each key, and runs different keys at the same time, also through reloads", async () => {
  const app = await stage.start({ handlers: { "order.js": ordered() } });
  const ran = await stage.client.collect<Ran>("ran");
  for (let version = 2; version <= 6; version++) {
    publish((version - 2) * 400, 400);
    await app.after(() => app.project.write("order.js", ordered(version)), "handler.serving", { handler: "order" });
  }
  await ran.until(2_000);
  expect(ran.values).toHaveLength(2_000);
  expect(outOfOrder(ran.values)).toEqual([]);
  expect(ran.values.every(({ ofKey }) => ofKey === 1)).toBe(true);
  expect(Math.max(...ran.values.map(({ together }) => together))).toBeGreaterThan(KEYS / 2);
  expect(app.told("delivery.failed")).toEqual([]);
});

it("time spent behind others of its key is no part of a message's timeout", async () => {
  const app = await stage.start({ handlers: { "order.js": ordered(1, 'timeout: "2s"') } });
  const ran = await stage.client.collect<Ran>("ran");
  for (let n = 0; n < 20; n++) stage.client.publish("shop.order", { key: "one", n, ms: 150 });
  await ran.until(20);
  expect(ran.values.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(app.told("delivery.failed")).toEqual([]);
});

it("a message that fails lets those behind it go on, and comes again after them", async () => {
  await stage.start({ handlers: { "order.js": ordered(1, 'retry: { attempts: 3, backoff: "300ms" }') } });
  const ran = await stage.client.collect<Ran>("ran");
  for (let n = 0; n < 5; n++) stage.client.publish("shop.order", { key: "one", n, fail: n === 1 });
  await ran.until(6);
  expect(ran.values.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 1]);
});
