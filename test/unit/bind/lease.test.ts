// Replicas and the lease of one handler. The clocks of all are one that stands still until told to go on.

import { beforeEach, describe, expect, test } from "vitest";
import type { KeptMark } from "../../../runtime/bind/key-marks.ts";
import { Lease } from "../../../runtime/bind/lease.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let stored: KeptMark;
/** Replicas that do not reach the server. */
let cutOff: Set<string>;
let changes: string[];
let troubles: unknown[];

beforeEach(() => {
  clock = fakeClock();
  stored = { mark: undefined, revision: 0 };
  cutOff = new Set();
  changes = [];
  troubles = [];
});

function replica(instance: string): Lease {
  const reached = async () => {
    if (cutOff.has(instance)) throw new Error("no answer");
  };
  return new Lease({
    handler: "h",
    instance,
    clock,
    marks: {
      async read() {
        await reached();
        return stored;
      },
      async write(_handler, _token, mark, after) {
        await reached();
        if (stored.revision !== after) return undefined;
        stored = { mark, revision: after + 1 };
        return stored.revision;
      },
    },
    onChange: (isHeld) => void changes.push(`${instance} ${isHeld ? "holds" : "lost"}`),
    onTrouble: (error) => void troubles.push(error),
  });
}

/** All that a turn asks and is answered. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100);
    await settled();
  }
}

const done = () => true;

describe("the lease of a handler", () => {
  test("is had by one of those that begin together, for as long as it writes it anew", async () => {
    const replicas = ["a", "b", "c"].map(replica);
    await pass(60_000);
    expect(changes).toEqual(["a holds"]);
    expect(replicas.map(({ isHeld }) => isHeld)).toEqual([true, false, false]);
    expect(troubles).toEqual([]);
  });

  test("E4: is taken at the next look when its holder says that it is done", async () => {
    const [a] = ["a", "b"].map(replica);
    await pass(3_000);
    const closed = a!.close(done);
    await settled();
    await closed;
    await pass(1_100);
    expect(changes).toEqual(["a holds", "a lost", "b holds"]);
  });

  test("E4: is kept while something is in hand still", async () => {
    let inHand = 1;
    const [a] = ["a", "b"].map(replica);
    await pass(3_000);
    const closed = a!.close(() => inHand === 0);
    await pass(20_000);
    expect(changes).toEqual(["a holds"]);
    inHand = 0;
    await pass(1_200);
    await closed;
    expect(changes).toEqual(["a holds", "a lost", "b holds"]);
  });

  test("E1, E2: is taken over within seconds when its holder is cut off, which has it no more before that", async () => {
    const [a] = ["a", "b"].map(replica);
    await pass(3_000);
    const cutMs = clock.monotonicMs();
    cutOff.add("a");
    while (a!.isHeld) await pass(100);
    expect(clock.monotonicMs() - cutMs).toBeLessThanOrEqual(3_600);
    expect(changes).toEqual(["a holds", "a lost"]);
    while (changes.length < 3) await pass(100);
    expect(clock.monotonicMs() - cutMs).toBeLessThanOrEqual(7_000);
    expect(changes).toEqual(["a holds", "a lost", "b holds"]);
    expect(troubles.length).toBeGreaterThan(0);
    // And it stands by when it is back.
    cutOff.delete("a");
    await pass(30_000);
    expect(changes).toHaveLength(3);
  });

  test("E3: who finds that another one has it has it no more", async () => {
    const a = replica("a");
    await pass(1_500);
    stored = { mark: { holder: "b" }, revision: stored.revision + 1 };
    await pass(1_000);
    expect([changes, a.isHeld]).toEqual([["a holds", "a lost"], false]);
  });

  test("goes over at once between two bindings of one runtime", async () => {
    const before = replica("a");
    await pass(1_500);
    const next = replica("a");
    await pass(1_100);
    expect([before.isHeld, next.isHeld]).toEqual([false, true]);
    await before.close(done);
    await pass(10_000);
    expect(next.isHeld).toBe(true);
  });

  test("is not lost while NATS is away for a moment", async () => {
    const a = replica("a");
    await pass(1_500);
    cutOff.add("a");
    await pass(2_000);
    cutOff.delete("a");
    await pass(10_000);
    expect([changes, a.isHeld]).toEqual([["a holds"], true]);
  });

  test("leaves no timer behind", async () => {
    const a = replica("a");
    await pass(1_500);
    await a.close(done);
    expect(clock.pending).toBe(0);
  });
});
