// `ctx.once` against a bucket that does what it is told: the edges that no memory has.

import { describe, expect, test } from "vitest";
import { onceEntry, onceKey, onceText } from "../../../runtime/message/once-record.ts";
import { once } from "../../../runtime/worker/once.ts";
import type { MessageStores, OwnKv } from "../../../runtime/worker/stores.ts";

const ID = "ORDERS:1:2";
const start = { app: "shop", kind: "durable" as const };

function refusal(code: number, name = "Error"): Error {
  return Object.assign(new Error(`code ${code}`), { code, name });
}

function run(bucket: Partial<OwnKv>, part: () => unknown, more: { readonly shadow?: boolean } = {}) {
  const stores = { own: () => bucket } as unknown as MessageStores;
  return once({}, "charge", part, { start: { ...start, ...more }, handler: "bill", id: ID, stores, reserve: () => 1 });
}

describe("ctx.once", () => {
  test("O2: of two runs at a time the first to keep is right", async () => {
    const asked: string[] = [];
    const bucket: OwnKv = {
      async get(entry) {
        asked.push(entry);
        return asked.length === 1 ? undefined : onceText({ id: ID, name: "charge" }, '"the other\'s"');
      },
      create: () => Promise.reject(refusal(409)),
    };
    expect(await run(bucket, () => "mine")).toBe("the other's");
    const key = await onceKey({ app: "shop", handler: "bill", id: ID, name: "charge" });
    expect(asked).toEqual([onceEntry("bill", key), onceEntry("bill", key)]);
  });

  test("O2: what is gone again before it was read is as if it had not been there", async () => {
    const bucket: OwnKv = { get: async () => undefined, create: () => Promise.reject(refusal(409)) };
    expect(await run(bucket, () => "mine")).toBe("mine");
  });

  test("O1: where it cannot be looked up whether it has run, it does not run; nobody is charged for that", async () => {
    let called = 0;
    const bucket = { get: () => Promise.reject(refusal(507, "NatsUnavailable")) };
    await expect(run(bucket, () => called++)).rejects.toMatchObject({
      name: "NatsUnavailable",
      code: 507,
      message: 'ctx.once("charge"): whether it has run could not be looked up, so it did not. code 507',
    });
    expect(called).toBe(0);
  });

  test("O1: what could not be kept is said with what follows", async () => {
    const bucket: OwnKv = { get: async () => undefined, create: () => Promise.reject(refusal(403)) };
    await expect(run(bucket, () => 1)).rejects.toMatchObject({
      name: "Error",
      code: 403,
      message: expect.stringContaining("the next run calls it again, with the same key. code 403"),
    });
  });

  test("O5: in a shadow it is called with the key of the app, and no bucket is asked", async () => {
    const stores = { own: () => Promise.reject(new Error("asked")) } as unknown as MessageStores;
    const deps = { start: { ...start, shadow: true }, handler: "bill", id: ID, stores, reserve: () => 1 };
    const key = await onceKey({ app: "shop", handler: "bill", id: ID, name: "charge" });
    expect(await once({}, "charge", (given) => given.key, deps)).toBe(key);
  });

  test("keys of other apps, handlers, messages and names are other keys, whatever is in them", async () => {
    const part = { app: "a", handler: "b", id: "c", name: "d" };
    const others = [
      part,
      { ...part, app: "a2" },
      { ...part, handler: "b2" },
      { ...part, id: "c2" },
      { ...part, name: "d2" },
      { ...part, id: 'c","d', name: "" },
    ];
    expect(new Set(await Promise.all(others.map(onceKey))).size).toBe(others.length);
  });
});
