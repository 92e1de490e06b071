// What is looked up of a consumer, and how long it may take.

import type { JetStreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { ConsumerLook } from "../../../runtime/bind/consumer-look.ts";
import type { DurableSpec } from "../../../runtime/streams/durable-consumer.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let asked: number;
beforeEach(() => {
  clock = fakeClock();
  asked = 0;
});

function lookAt(answer: () => Promise<unknown>, isUp = true): ConsumerLook {
  const info = () => {
    asked++;
    return answer();
  };
  return new ConsumerLook({
    deps: { clock, sender: { isUp } as never },
    jsm: { consumers: { info } } as unknown as JetStreamManager,
    spec: { stream: "S", durable: "app-h" } as DurableSpec,
    onConfig: () => undefined,
  });
}

async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await new Promise(setImmediate);
  return done;
}

it("whoever unbinds waits half a second for a consumer whose leader is away, no longer", async () => {
  const purging = lookAt(() => new Promise(() => undefined)).purgeRequests();
  clock.advance(499);
  expect(await isDone(purging)).toBe(false);
  clock.advance(1);
  expect(await isDone(purging)).toBe(true);
});

it("an answer, or that it is gone, is not waited for any longer", async () => {
  expect(await isDone(lookAt(() => Promise.resolve({})).purgeRequests())).toBe(true);
  expect(await isDone(lookAt(() => Promise.reject(new Error("consumer not found"))).purgeRequests())).toBe(true);
  expect(asked).toBe(2);
});

it("nobody is asked where there is no connection", async () => {
  expect(await isDone(lookAt(() => new Promise(() => undefined), false).purgeRequests())).toBe(true);
  expect(asked).toBe(0);
});
