import { beforeEach, describe, expect, it } from "vitest";
import { FleetTurns } from "../../../runtime/deliver/fleet-turns.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let waiting: number;
let began: number[];
let reserved: number[];
/** When the next turn is that nobody has. */
let freeAtMs: number;
let isAway: boolean;
let told: unknown[];
let turns: FleetTurns;
let hasPlace: boolean;

/** Ten a second, a hundred milliseconds each. */
function turnsOf(count: number, everyMs = 1_000, answeredAfterMs = 0): FleetTurns {
  return new FleetTurns({
    rate: { count, everyMs },
    async reserve(wanted) {
      if (isAway) throw new Error("nobody answers");
      reserved.push(wanted);
      const startMs = Math.max(freeAtMs, clock.monotonicMs());
      freeAtMs = startMs + (wanted * everyMs) / count;
      if (answeredAfterMs > 0) await new Promise<void>((resolve) => clock.after(answeredAfterMs, resolve));
      return startMs - clock.monotonicMs();
    },
    clock,
    waiting: () => waiting,
    onTurn: go,
    onReserved: (error) => void told.push(error),
  });
}

/** What a dispatcher does. */
function go(): void {
  while (waiting > 0 && hasPlace && turns.mayBegin(clock.monotonicMs())) {
    turns.take();
    waiting--;
    began.push(clock.monotonicMs());
  }
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed <= ms; passed++) {
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    if (passed < ms) clock.advance(1);
  }
}

beforeEach(() => {
  clock = fakeClock();
  waiting = 0;
  began = [];
  reserved = [];
  freeAtMs = 0;
  isAway = false;
  told = [];
  hasPlace = true;
  turns = turnsOf(10);
});

describe("turns of a rate over all replicas", () => {
  it("F1: begin one after the other, at the rate and not before they are reserved", async () => {
    waiting = 5;
    go();
    expect(began).toEqual([]);
    await pass(1_000);
    expect(began).toEqual([1_000, 1_100, 1_200, 1_300, 1_400]);
  });

  it("F1: leave to others what others have reserved", async () => {
    freeAtMs = 1_500;
    waiting = 1;
    go();
    await pass(499);
    expect(began).toEqual([]);
    await pass(1);
    expect(began).toEqual([1_500]);
  });

  it("F1: are lost when nobody has used them in time, so that no burst follows", async () => {
    turns = turnsOf(100);
    waiting = 200;
    go();
    await pass(1_000);
    const before = began.length;
    hasPlace = false;
    await pass(500);
    hasPlace = true;
    go();
    expect(began.length - before).toBeLessThanOrEqual(6);
  });

  it("F1: are not lost because it took a while to reserve them, where there are few", async () => {
    turns = turnsOf(1, 3_600_000, 400);
    waiting = 1;
    go();
    await pass(500);
    expect(began).toEqual([1_400]);
  });

  it("F2: are reserved in lots that grow up to what begins in 200 ms", async () => {
    turns = turnsOf(100);
    waiting = 1_000;
    go();
    await pass(2_000);
    expect([reserved[0], Math.max(...reserved)]).toEqual([1, 20]);
    expect(reserved.length).toBeLessThan(20);
    expect(began.length).toBeGreaterThanOrEqual(195);
    expect(began.length).toBeLessThanOrEqual(201);
  });

  it("F2: are reserved for what waits, and could begin, only", async () => {
    turns = turnsOf(100);
    waiting = 2;
    go();
    await pass(300);
    expect(reserved).toEqual([1, 1]);
    hasPlace = false;
    waiting = 10;
    go();
    await pass(300);
    expect(reserved).toEqual([1, 1]);
    expect(turns.isIdle).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it("F2: come in smaller lots where messages run so long that turns were lost", async () => {
    turns = turnsOf(1_000);
    waiting = 10_000;
    go();
    await pass(500);
    const largest = Math.max(...reserved);
    for (let run = 0; run < 40; run++) {
      hasPlace = false;
      await pass(100);
      hasPlace = true;
      waiting = 1;
      go();
      await pass(2);
    }
    expect(largest).toBeGreaterThan(100);
    expect(reserved.at(-1)).toBe(1);
  });

  it("F3: wait while they cannot be reserved, which is told, and go on when they can", async () => {
    isAway = true;
    waiting = 3;
    go();
    await pass(2_500);
    expect(began).toEqual([]);
    expect(told).toHaveLength(3);
    isAway = false;
    await pass(1_000);
    expect(began).toHaveLength(3);
    expect(told.at(-1)).toBeUndefined();
  });

  it("leave no timer behind where nobody waits any more", async () => {
    isAway = true;
    waiting = 3;
    go();
    await pass(10);
    waiting = 0;
    turns.stop();
    expect(clock.pending).toBe(0);
  });
});
