// Messages and their marks, of one replica and of two; the test says when a mark is written.

import type { NatsConnection } from "@nats-io/transport-node";
import { beforeEach, describe, expect, test } from "vitest";
import { type KeptMark, keyToken } from "../../../runtime/bind/key-marks.ts";
import { SpacingGate } from "../../../runtime/bind/spacing.ts";
import { StreamDelivery } from "../../../runtime/bind/stream-delivery.ts";
import type { ResolvedMetadata } from "../../../runtime/metadata/handler-metadata.ts";
import { durable } from "../../support/stream-stage.ts";

const DEBOUNCE: ResolvedMetadata = { ...durable("s.*"), debounce: { waitMs: 5_000, key: { wildcard: 0 } } };
const THROTTLE: ResolvedMetadata = { ...durable("s.*"), throttle: { everyMs: 60_000, key: { wildcard: 0 } } };

let nowMs: number;
let stored: Map<string, KeptMark>;
let revision: number;
let writes: number;
let reads: number;
let acked: string[];
let away: Error | undefined;

beforeEach(() => {
  nowMs = 10_000;
  stored = new Map();
  [revision, writes, reads] = [0, 0, 0];
  acked = [];
  away = undefined;
});

/** As the stream of marks does it. */
const marks = {
  async read(_handler: string, key: string): Promise<KeptMark> {
    reads++;
    if (away !== undefined) throw away;
    return stored.get(key) ?? { mark: undefined, revision: 0 };
  },
  async write(_handler: string, key: string, mark: unknown, after: number): Promise<number | undefined> {
    writes++;
    await Promise.resolve();
    if (away !== undefined) throw away;
    if ((stored.get(key)?.revision ?? 0) !== after) return undefined;
    stored.set(key, { mark: JSON.parse(JSON.stringify(mark)), revision: ++revision });
    return revision;
  },
};

function gate(): SpacingGate {
  return new SpacingGate({
    connection: {} as NatsConnection,
    app: "shop",
    handler: "h",
    marks,
    serverClock: { nowMs: () => nowMs },
    onSuperseded: (reply) => void acked.push(reply),
  });
}

function delivery(seq: number, key = "a", deliveries = 1): StreamDelivery {
  const info = { stream: "S", consumer: "c", deliveries, streamSequence: seq, storedAtMs: 1_000 + seq, pending: 0 };
  const content = { subject: `s.${key}`, seq, origin: 0, storedAtMs: info.storedAtMs };
  const message = { ...content, data: Buffer.alloc(0), headers: undefined, hops: 0 };
  return new StreamDelivery(message, `ack.${seq}.${deliveries}`, info);
}

const asks = (one: SpacingGate, metadata: ResolvedMetadata, ...deliveries: readonly StreamDelivery[]) =>
  Promise.all(deliveries.map((each) => one.ask(each, metadata, 0).then((spaced) => spaced.do)));

test("without the options every message runs, and no mark is asked for", async () => {
  expect(await gate().ask(delivery(1), durable("s.*"), 0)).toEqual({ do: "run", putOff: 0 });
  expect([reads, writes]).toEqual([0, 0]);
});

describe("debounce", () => {
  test("keys do not wait for each other, and each has its own mark", async () => {
    expect(await asks(gate(), DEBOUNCE, delivery(1, "a"), delivery(2, "b"))).toEqual(["put-off", "put-off"]);
    expect([...stored.keys()]).toEqual([keyToken("a"), keyToken("b")]);
  });

  test("S1: of a flood those behind which newer ones wait are let pass, at the price of one mark", async () => {
    const one = gate();
    const flood = Array.from({ length: 1_000 }, (_, at) => delivery(at + 1));
    const decided = asks(one, DEBOUNCE, ...flood);
    expect((await decided).filter((what) => what === "put-off")).toEqual(["put-off"]);
    expect((await decided).at(-1)).toBe("put-off");
    expect(writes).toBe(1);
  });

  test("S2: what waits elsewhere is acknowledged once the mark of the newer one is written, and not before", async () => {
    await asks(gate(), DEBOUNCE, delivery(1));
    away = new Error("503");
    await expect(gate().ask(delivery(2), DEBOUNCE, 0)).rejects.toThrow(/runs nothing, as what its `debounce` knows/);
    expect(acked).toEqual([]);
    away = undefined;
    expect(await asks(gate(), DEBOUNCE, delivery(2))).toEqual(["put-off"]);
    expect(acked).toEqual(["ack.1.1"]);
  });

  test("S2: of two replicas one is first, and the other decides anew", async () => {
    const [one, other] = [gate(), gate()];
    const both = [one.ask(delivery(2), DEBOUNCE, 0), other.ask(delivery(1), DEBOUNCE, 0)];
    const [newer, older] = await Promise.all(both);
    expect([newer?.do, older?.do]).toEqual(["put-off", "let-pass"]);
    expect(stored.get(keyToken("a"))?.mark).toMatchObject({ seq: 2 });
  });

  test("S3: whether one that comes back is still the newest is asked anew", async () => {
    const [one, other] = [gate(), gate()];
    await asks(one, DEBOUNCE, delivery(1));
    await asks(other, DEBOUNCE, delivery(2));
    nowMs += 5_000;
    expect(await asks(one, DEBOUNCE, delivery(1, "a", 2), delivery(2, "a", 2))).toEqual(["let-pass", "run"]);
  });

  test("one whose time has come runs, though newer ones wait in the line", async () => {
    const one = gate();
    await asks(one, DEBOUNCE, delivery(1));
    nowMs += 5_000;
    expect(await asks(one, DEBOUNCE, delivery(2), delivery(1, "a", 2), delivery(3))).toEqual([
      "let-pass",
      "run",
      "put-off",
    ]);
  });

  test("that it was put off is no attempt", async () => {
    const one = gate();
    await asks(one, DEBOUNCE, delivery(1));
    nowMs += 5_000;
    expect(await one.ask(delivery(1, "a", 2), DEBOUNCE, 0)).toEqual({ do: "run", putOff: 1 });
  });
});

describe("throttle", () => {
  test("runs one of a key over all replicas, and asks nothing for those that it refuses then", async () => {
    const [one, other] = [gate(), gate()];
    expect(await asks(one, THROTTLE, delivery(1), delivery(2), delivery(3))).toEqual(["run", "let-pass", "let-pass"]);
    expect([reads, writes]).toEqual([1, 1]);
    expect(await asks(other, THROTTLE, delivery(4), delivery(5))).toEqual(["let-pass", "let-pass"]);
    expect([reads, writes]).toEqual([2, 1]);
    nowMs += 60_000;
    expect(await asks(other, THROTTLE, delivery(6))).toEqual(["run"]);
    // What it remembers is too old to write after.
    expect(await asks(one, THROTTLE, delivery(7))).toEqual(["let-pass"]);
  });

  test("what the other option has marked says nothing after a save", async () => {
    const one = gate();
    await asks(one, DEBOUNCE, delivery(1));
    expect(await asks(one, THROTTLE, delivery(2))).toEqual(["run"]);
    expect(await asks(one, DEBOUNCE, delivery(3))).toEqual(["put-off"]);
  });
});
