// The look at a consumer that hands out nothing: what it does when the consumer is not there.

import { JetStreamApiError } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { ConsumerWatch, type ConsumerWatchOptions } from "../../../runtime/bind/consumer-watch.ts";
import { NO_BOARD } from "../../../runtime/message/hold.ts";
import { fakeClock } from "../../support/fake-clock.ts";

/** Longer than until the first look. */
const LOOKED_MS = 3_000;

async function gone(error: Error): Promise<string[]> {
  const clock = fakeClock();
  const told: string[] = [];
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const info = () => {
    resolve();
    return Promise.reject(error);
  };
  const watch = new ConsumerWatch({
    deps: { clock, watches: new Set(), sender: { isUp: true } },
    jsm: { consumers: { info } },
    spec: { app: "shop", handler: "save", stream: "ORDERS", durable: "shop-save", filter: "orders" },
    holds: NO_BOARD,
    isWaiting: () => true,
    oldestInHand: () => undefined,
    nextRetryAtMs: () => undefined,
    onInfo: () => undefined,
    onGone: (why: string) => told.push(why),
  } as unknown as ConsumerWatchOptions);
  clock.advance(LOOKED_MS);
  await asked;
  await new Promise(setImmediate);
  watch.close();
  return told;
}

const refusal = (err_code: number, description: string) => new JetStreamApiError({ code: 404, err_code, description });

it("a consumer or a stream that is not there is told of at the first look, without waiting for heartbeats", async () => {
  expect(await gone(refusal(10014, "consumer not found"))).toEqual(["consumer not found"]);
  expect(await gone(refusal(10059, "stream not found"))).toEqual(["stream not found"]);
});

it("a JetStream that cannot say now is none of that", async () => {
  expect(await gone(refusal(10008, "system temporarily unavailable"))).toEqual([]);
});

it("a message that is in hand for long has its consumer looked at: it may be set up otherwise meanwhile", async () => {
  const clock = fakeClock();
  const adopted: unknown[] = [];
  let oldest: object | undefined = {};
  const info = async () => ({ config: { ack_wait: 2e9 } });
  const watch = new ConsumerWatch({
    deps: { clock, watches: new Set(), sender: { isUp: true } },
    jsm: { consumers: { info } },
    spec: { app: "shop", handler: "save", stream: "ORDERS", durable: "shop-save", filter: "orders" },
    holds: NO_BOARD,
    isWaiting: () => false,
    oldestInHand: () => oldest,
    nextRetryAtMs: () => undefined,
    onInfo: ({ config }: { config: unknown }) => adopted.push(config),
    onGone: () => undefined,
  } as unknown as ConsumerWatchOptions);
  const tick = async () => {
    clock.advance(2_000);
    await new Promise(setImmediate);
  };
  await tick();
  expect(adopted).toEqual([]);
  await tick();
  expect(adopted).toEqual([{ ack_wait: 2e9 }]);
  oldest = {};
  await tick();
  oldest = undefined;
  await tick();
  expect(adopted).toHaveLength(1);
  watch.close();
});
