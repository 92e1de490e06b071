// Parts of a run that a retry does not repeat, wherever the process is killed; and what is left at the edge: one window, with one key.

import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
const LONGEST_MS = 600_000;

const POINTS = ["before the part", "it is paid", "it is kept", "all is done"] as const;
type Point = (typeof POINTS)[number];

const charges = (concurrency: number) => `
  export const metadata = {
    subject: "orders.placed",
    kind: "durable",
    concurrency: ${concurrency},
    retry: { attempts: 10, backoff: "50ms" },
  };
  export default async ({ n, diesAt }, ctx) => {
    const come = (point) => {
      if (ctx.attempt === 1 && diesAt === point) process.kill(process.pid, "SIGKILL");
    };
    come("before the part");
    const payment = await ctx.once("charge", async ({ key }) => {
      const made = await ctx.request("payments.make", { n, key });
      come("it is paid");
      return made;
    });
    come("it is kept");
    await ctx.publish("orders.paid", { n, payment: payment.number });
    come("all is done");
  };`;

interface Call {
  readonly n: number;
  readonly key: string;
}

/** A service that takes money: with a key that it knows it takes none, and says what it said. */
function paymentService() {
  const calls: Call[] = [];
  const payments = new Map<string, { readonly n: number; readonly number: number }>();
  const subscription = stage.client.connection.subscribe("payments.make", {
    callback(error, message) {
      if (error !== null) return;
      const { n, key } = message.json<Call>();
      calls.push({ n, key });
      if (!payments.has(key)) payments.set(key, { n, number: payments.size + 1 });
      message.respond(JSON.stringify(payments.get(key)));
    },
  });
  return { calls, payments, end: () => subscription.unsubscribe() };
}

async function settled(manager: JetStreamManager): Promise<void> {
  const durable = durableNameOf("shop", "charge", "orders.placed");
  const waiting = async () => {
    const { num_pending, num_ack_pending } = await manager.consumers.info("ORDERS", durable);
    return num_pending + num_ack_pending;
  };
  await expect.poll(waiting, { timeout: LONGEST_MS, interval: 100 }).toBe(0);
}

/** All orders through the handler, which dies where each says; without rights to make streams but its own. */
async function chargeAll(concurrency: number, orders: readonly (Point | undefined)[]) {
  const { connection } = stage.client;
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders.placed"] });
  await manager.streams.add({ name: "PAID", subjects: ["orders.paid"] });
  const service = paymentService();
  const app = await stage.start({ mode: "start", handlers: { "charge.ts": charges(concurrency) } });
  for (const [n, diesAt] of orders.entries()) connection.publish("orders.placed", JSON.stringify({ n, diesAt }));
  await connection.flush();
  await settled(manager);
  const deaths = app.told("worker.exited", 0).filter(({ expected }) => !expected).length;
  const paid: { n: number; payment: number }[] = [];
  const { state } = await manager.streams.info("PAID");
  for (let seq = state.first_seq; seq <= state.last_seq; seq++)
    paid.push((await manager.streams.getMessage("PAID", { seq }))!.json());
  const letters = await new DeadLetterBox(connection, "shop").list();
  const { config } = await manager.streams.info("KV_shop_once");
  service.end();
  await app.close();
  for (const name of ["ORDERS", "PAID", "KV_shop_once"]) await manager.streams.delete(name);
  return { ...service, deaths, paid, letters, config };
}

it("kill -9 at each of 4 points: only between the payment and its keeping it is asked for again, with the same key", async () => {
  const orders = [undefined, ...POINTS, undefined, ...POINTS];
  const { calls, payments, deaths, paid, letters, config } = await chargeAll(1, orders);
  expect(deaths).toBeGreaterThanOrEqual(2 * POINTS.length);
  for (const [n, diesAt] of orders.entries()) {
    const ofIt = calls.filter((call) => call.n === n);
    expect(new Set(ofIt.map(({ key }) => key)).size).toBe(1);
    if (diesAt === "it is paid") expect(ofIt.length).toBeGreaterThan(1);
    else expect(ofIt).toHaveLength(1);
  }
  expect(payments.size).toBe(orders.length);
  expect(paid.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([...orders.keys()]);
  expect(letters).toEqual([]);
  // Nobody has provisioned it: it is made when first needed, read where it is written, and forgets.
  expect(config).toMatchObject({ allow_direct: false, max_age: 40 * 86_400e9, max_msgs_per_subject: 1 });
}, 120_000);

it(
  "kill -9 under load, with eight at a time: each order is paid once, and told with the number of its payment",
  async () => {
    const count = volume(2_000);
    const every = Math.floor(count / 8);
    const orders = Array.from({ length: count }, (_, n) => (n % every === 0 ? POINTS[(n / every) % 4] : undefined));
    const { payments, paid, letters } = await chargeAll(8, orders);
    expect(payments.size).toBe(count);
    const numbers = new Map([...payments.values()].map(({ n, number }) => [n, number]));
    expect(paid).toHaveLength(count);
    expect(paid.filter(({ n, payment }) => numbers.get(n) !== payment)).toEqual([]);
    expect(letters).toEqual([]);
  },
  LONGEST_MS,
);

it("what was kept is given to a run that comes later: of a redriven dead letter, and on another replica", async () => {
  const { connection } = stage.client;
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders.placed"] });
  const handler = (then: string) => `
    export const metadata = { subject: "orders.placed", kind: "durable", retry: { attempts: 1 } };
    export default async (_event, ctx) => {
      const at = await ctx.once("at", () => ({ now: process.pid }));
      ${then}
    };`;
  const failing = await stage.start({ handlers: { "charge.ts": handler('throw new Error("down");') } });
  await jetstream(connection).publish("orders.placed", "{}");
  const box = new DeadLetterBox(connection, "shop");
  await expect.poll(() => box.list()).toHaveLength(1);
  const bucket = await manager.streams.getMessage("KV_shop_once", { seq: 1 });
  expect(bucket?.subject).toMatch(/^\$KV\.shop_once\.charge\.[\w-]{43}$/);
  const { value } = bucket!.json<{ value: { now: number } }>();
  await failing.close();
  const told = await stage.client.collect<{ now: number }>("told");
  const mended = handler('await ctx.publish("told", at);');
  await stage.start({ handlers: { "charge.ts": mended } });
  const [letter] = await box.list();
  await redrive([letter!.id], { connection, app: "shop", box, clock: systemClock, copies: 1, rate: undefined });
  await told.until(1);
  expect(told.values).toEqual([value]);
  for (const name of ["ORDERS", "KV_shop_once"]) await manager.streams.delete(name);
});
