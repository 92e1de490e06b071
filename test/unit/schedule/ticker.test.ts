// One schedule in several replicas: each planned time is met once, whoever comes and goes.

import { afterEach, describe, expect, it } from "vitest";
import { delay } from "../../../runtime/clock.ts";
import type { Schedule } from "../../../runtime/metadata/handler-metadata.ts";
import { type MarkBook, readBook, type SentRun, withEntry } from "../../../runtime/schedule/mark-book.ts";
import { type Mark, Ticker } from "../../../runtime/schedule/ticker.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const MINUTE_MS = 60_000;
const everyMinute: Schedule = { times: { kind: "every", everyMs: MINUTE_MS }, missed: "once", payload: "" };

/** Let everything that can go on without time passing go on. */
async function settle() {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** A replica that stands still for a while hands over a promise of its own. */
const THAWED = Promise.resolve(true);

class Fleet {
  readonly clock: FakeClock = fakeClock();
  readonly sent: number[] = [];
  readonly met: number[] = [];
  readonly passedOver: number[] = [];
  readonly trouble: unknown[] = [];
  readonly tickers: Ticker[] = [];
  book: MarkBook = [];
  revision = 0;
  /** Times whose runs have not ended. */
  readonly running = new Set<number>();
  /** What the next calls reject with. */
  down: Error | undefined;

  start({ schedule = everyMinute, isStored = true, dropsSame = true, name = "a", frozen = THAWED } = {}): Ticker {
    const ticker = new Ticker({
      schedule,
      isStored: () => isStored,
      marks: {
        read: async () => {
          this.check();
          const progress = this.book.find((entry) => entry.schedule === name);
          const { revision, book } = this;
          return { progress, isNewest: book[0] === progress, revision };
        },
        write: async (progress, after) => {
          this.check();
          if ((after as Mark & { revision: number }).revision !== this.revision) return false;
          this.book = withEntry(this.book, { ...progress, schedule: name });
          this.revision++;
          return true;
        },
      },
      send: async (plannedMs) => {
        this.check();
        const seq = plannedMs / MINUTE_MS;
        // As a stream does with one id.
        if (!dropsSame || !this.sent.includes(seq)) this.sent.push(seq);
        return isStored ? { stream: "S", seq } : undefined;
      },
      hasEnded: async ({ seq }: SentRun) => {
        if (!this.running.has(seq)) return true;
        return frozen.then((isThawed) => isThawed && !this.running.has(seq));
      },
      reachedMs: () => this.clock.nowMs(),
      until: (atMs, signal) => delay(this.clock, atMs - this.clock.nowMs(), signal),
      onMet: (plannedMs) => this.met.push(plannedMs / MINUTE_MS),
      clock: this.clock,
      onPassedOver: (count) => this.passedOver.push(count),
      onTrouble: (error) => this.trouble.push(error),
    });
    ticker.start();
    this.tickers.push(ticker);
    return ticker;
  }

  async pass(ms: number) {
    await settle();
    this.clock.advance(ms);
    await settle();
  }

  private check() {
    if (this.down !== undefined) throw this.down;
  }
}

let fleet: Fleet;
afterEach(async () => {
  await Promise.all(fleet.tickers.map((ticker) => ticker.stop()));
});

describe("a schedule", () => {
  it("is new where there is no mark: it begins now, and has missed nothing", async () => {
    fleet = new Fleet();
    fleet.start();
    await fleet.pass(0);
    expect(fleet.sent).toEqual([]);
    await fleet.pass(MINUTE_MS);
    await fleet.pass(MINUTE_MS);
    expect(fleet.sent).toEqual([1, 2]);
  });

  it.each([true, false])("is met once by three replicas (stored: %s)", async (isStored) => {
    fleet = new Fleet();
    for (let replica = 0; replica < 3; replica++) fleet.start({ isStored, dropsSame: isStored });
    for (let minute = 1; minute <= 20; minute++) await fleet.pass(MINUTE_MS);
    expect(fleet.sent).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  });

  it("is never met early", async () => {
    fleet = new Fleet();
    fleet.start();
    await fleet.pass(MINUTE_MS - 1_001); // The clock begins at 1,000.
    expect(fleet.sent).toEqual([]);
    await fleet.pass(1);
    expect(fleet.sent).toEqual([1]);
  });
});

describe("after an outage", () => {
  it("what nobody was there for is made up for as the schedule says", async () => {
    fleet = new Fleet();
    const first = fleet.start();
    await fleet.pass(MINUTE_MS);
    await first.stop();
    await fleet.pass(10 * MINUTE_MS + 40_000);
    fleet.start();
    await fleet.pass(0);
    expect(fleet.sent).toEqual([1, 11]);
    expect(fleet.passedOver).toEqual([9]);
  });

  it("of NATS it goes on, and tells", async () => {
    fleet = new Fleet();
    fleet.start();
    await fleet.pass(MINUTE_MS);
    fleet.down = new Error("no responders");
    await fleet.pass(MINUTE_MS);
    fleet.down = undefined;
    await fleet.pass(2_000);
    expect(fleet.sent).toEqual([1, 2]);
    expect(fleet.trouble).not.toEqual([]);
  });
});

it("a replica that dies between message and mark leaves the message to be sent again under its id", async () => {
  fleet = new Fleet();
  fleet.start();
  await fleet.pass(0);
  const { book } = fleet;
  await fleet.pass(MINUTE_MS);
  fleet.book = book; // As if it had died before it wrote.
  fleet.start();
  await fleet.pass(0);
  expect(fleet.sent).toEqual([1]);
  expect(fleet.book[0]?.doneMs).toBe(MINUTE_MS);
});

describe("a run that has not ended", () => {
  it("holds the next one back, which is made up for once when it has", async () => {
    fleet = new Fleet();
    fleet.start();
    await fleet.pass(MINUTE_MS);
    fleet.running.add(1);
    await fleet.pass(3 * MINUTE_MS);
    expect(fleet.sent).toEqual([1]);
    fleet.running.delete(1);
    await fleet.pass(1_000);
    expect([fleet.sent, fleet.passedOver]).toEqual([[1, 4], [2]]);
  });

  it("is followed by all that it held back, one after another, where each is to be made up for", async () => {
    fleet = new Fleet();
    fleet.start({ schedule: { ...everyMinute, missed: "all" } });
    await fleet.pass(MINUTE_MS);
    fleet.running.add(1);
    await fleet.pass(2 * MINUTE_MS);
    fleet.running.add(2);
    fleet.running.delete(1);
    await fleet.pass(1_000);
    expect(fleet.sent).toEqual([1, 2]);
    fleet.running.delete(2);
    await fleet.pass(1_000);
    expect(fleet.sent).toEqual([1, 2, 3]);
  });
});

it("a replica that has stood still sends nothing that the others have passed over meanwhile", async () => {
  fleet = new Fleet();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  fleet.start({ frozen: promise });
  await fleet.pass(MINUTE_MS);
  fleet.running.add(1);
  await fleet.pass(MINUTE_MS); // It stands still, and is about to see to minute 2.
  fleet.start();
  await fleet.pass(2 * MINUTE_MS);
  fleet.running.delete(1);
  await fleet.pass(1_000);
  expect(fleet.sent).toEqual([1, 4]);
  resolve(true);
  await fleet.pass(1_000);
  expect(fleet.sent).toEqual([1, 4]);
});

describe("another schedule of the handler", () => {
  const everyTwo: Schedule = { ...everyMinute, times: { kind: "every", everyMs: 2 * MINUTE_MS } };

  it("runs beside it while both builds run, and neither takes away the other's mark", async () => {
    fleet = new Fleet();
    fleet.start();
    await fleet.pass(MINUTE_MS);
    fleet.start({ schedule: everyTwo, name: "b" });
    await fleet.pass(MINUTE_MS);
    await fleet.pass(MINUTE_MS);
    expect(fleet.sent).toEqual([1, 2, 3]);
    expect(fleet.met.toSorted()).toEqual([1, 2, 2, 3]);
  });

  it("takes its place: when the first comes back it begins anew, and has missed nothing", async () => {
    fleet = new Fleet();
    const first = fleet.start();
    await fleet.pass(MINUTE_MS);
    await first.stop();
    const second = fleet.start({ schedule: everyTwo, name: "b" });
    await fleet.pass(4 * MINUTE_MS + 10_000);
    await second.stop();
    fleet.sent.length = 0;
    fleet.start();
    await fleet.pass(0);
    expect(fleet.sent).toEqual([]);
    await fleet.pass(MINUTE_MS);
    expect(fleet.sent).toEqual([6]);
  });
});

it("a mark that cannot be read is none", () => {
  expect(readBook("")).toEqual([]);
  expect(readBook('{"marks":[{"schedule":"a"},7,{"schedule":"b","doneMs":1}]}')).toEqual([
    { schedule: "b", doneMs: 1 },
  ]);
});
