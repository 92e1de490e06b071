// Schedules that handlers have made, in several replicas over one stream, with a clock of the test's own.

import { afterEach, describe, expect, it } from "vitest";
import { delay } from "../../../runtime/clock.ts";
import type { PlannedTimes } from "../../../runtime/metadata/planned-times.ts";
import { makeSchedule, removeSchedule } from "../../../runtime/schedule/changes.ts";
import type { MadeSchedule, TimetableEntry } from "../../../runtime/schedule/timetable-entry.ts";
import { TimetableRuns } from "../../../runtime/schedule/timetable-runs.ts";
import type { ScheduledContent, StoredEntry } from "../../../runtime/schedule/timetable-store.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const MINUTE_MS = 60_000;
const EVERY_MINUTE: PlannedTimes = { kind: "every", everyMs: MINUTE_MS };

/** Let everything that can go on without time passing go on. */
async function settle() {
  for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
}

/** What the stream is to those who write: the last message of each key, and the number of its write. */
class Stream {
  readonly kept = new Map<string, StoredEntry>();
  private writes = 0;
  down: Error | undefined;
  /** So many reads find nothing, as where a cluster has no leader for a moment. */
  blind = 0;

  async read(token: string): Promise<StoredEntry> {
    if (this.down !== undefined) throw this.down;
    if (this.blind > 0 && this.blind--) return { entry: undefined, content: contentOf(""), revision: 0 };
    return this.now(token);
  }

  async write(token: string, entry: TimetableEntry, content: ScheduledContent, revision: number): Promise<boolean> {
    if (this.now(token).revision !== revision) return false;
    this.kept.set(token, { entry, content, revision: ++this.writes });
    return true;
  }

  private now(token: string): StoredEntry {
    return this.kept.get(token) ?? { entry: undefined, content: contentOf(""), revision: 0 };
  }

  async remove(revision: number): Promise<boolean> {
    const found = [...this.kept].find(([, stored]) => stored.revision === revision);
    return found !== undefined && this.kept.delete(found[0]);
  }
}

class Fleet {
  readonly clock: FakeClock = fakeClock();
  readonly stream = new Stream();
  /** `minute data`, each under its id once. */
  readonly sent: string[] = [];
  readonly passedOver: number[] = [];
  readonly trouble: string[] = [];
  readonly replicas: TimetableRuns[] = [];

  start({ isStored = true, send = async () => {} }: { isStored?: boolean; send?: () => Promise<void> } = {}) {
    const runs = new TimetableRuns({
      store: this.stream,
      isStored: async () => isStored,
      send: async (_entry, { payload }, plannedMs) => {
        await send();
        const message = `${plannedMs / MINUTE_MS} ${Buffer.from(payload).toString()}`;
        if (!isStored || !this.sent.includes(message)) this.sent.push(message);
      },
      clock: this.clock,
      reachedMs: () => this.clock.nowMs(),
      until: (atMs, signal) => delay(this.clock, atMs - this.clock.nowMs(), signal),
      onMet: () => undefined,
      onPassedOver: (_entry, count) => this.passedOver.push(count),
      onTrouble: (key, error) => this.trouble.push(`${key}: ${(error as Error).message}`),
    });
    this.replicas.push(runs);
    return runs;
  }

  async make(data: string, more: Partial<MadeSchedule> = {}) {
    const made: MadeSchedule = { key: "k", target: "t", times: EVERY_MINUTE, missed: "once", by: "h", ...more };
    await makeSchedule(this.stream, "aw", { made, content: contentOf(data), nowMs: this.clock.nowMs() });
  }

  async look() {
    await Promise.all(this.replicas.map((replica) => replica.look("aw")));
    await settle();
  }

  async pass(minutes: number) {
    await settle();
    this.clock.advance(minutes * MINUTE_MS);
    await settle();
  }
}

function contentOf(text: string): ScheduledContent {
  return { headers: [], payload: Buffer.from(text) };
}

let fleet: Fleet;
afterEach(async () => {
  await Promise.all(fleet.replicas.map((replica) => replica.close()));
});

async function three(isStored = true): Promise<Fleet> {
  fleet = new Fleet();
  for (let replica = 0; replica < 3; replica++) fleet.start({ isStored });
  await fleet.make("a");
  await fleet.look();
  return fleet;
}

describe("three replicas", () => {
  it.each([true, false])("publish each planned time once (stored: %s)", async (isStored) => {
    await three(isStored);
    for (let minute = 0; minute < 5; minute++) await fleet.pass(1);
    expect(fleet.sent).toEqual(["1 a", "2 a", "3 a", "4 a", "5 a"]);
  });

  it("that have not heard of a change find it out at the next time, and publish what is right then", async () => {
    await three();
    await fleet.pass(1);
    await fleet.make("b", { target: "elsewhere" });
    await fleet.pass(1);
    expect(fleet.sent).toEqual(["1 a", "2 b"]);
    expect(await removeSchedule(fleet.stream, "aw")).toBe(true);
    await fleet.pass(1);
    await fleet.pass(1);
    expect(fleet.sent).toEqual(["1 a", "2 b"]);
    expect(fleet.replicas.map(({ tokens }) => tokens)).toEqual([[], [], []]);
  });

  it("publish the new data of one that is made again as it was, at once", async () => {
    await three();
    await fleet.pass(1);
    await fleet.make("b");
    await fleet.pass(1);
    expect(fleet.sent).toEqual(["1 a", "2 b"]);
  });
});

describe("a replica that dies between its mark and the message", () => {
  it("leaves a message that a stream keeps to another one", async () => {
    fleet = new Fleet();
    await fleet.make("a");
    // It stands still for ever, as a killed one does.
    fleet.start({ send: () => new Promise(() => {}) });
    await fleet.look();
    await fleet.pass(1);
    expect(fleet.sent).toEqual([]);
    const dead = fleet.replicas.pop();
    fleet.start();
    await fleet.look();
    expect(fleet.sent).toEqual(["1 a"]);
    expect(dead?.tokens).toEqual(["aw"]);
  });

  it("takes it with it where it was taken away meanwhile", async () => {
    fleet = new Fleet();
    await fleet.make("a");
    fleet.start({ send: () => new Promise(() => {}) });
    await fleet.look();
    await fleet.pass(1);
    fleet.replicas.pop();
    await removeSchedule(fleet.stream, "aw");
    fleet.start();
    await fleet.look();
    await fleet.pass(1);
    expect(fleet.sent).toEqual([]);
  });
});

describe("what nobody was there for", () => {
  it.each([
    ["once", ["10 a"], [9]],
    ["all", ["1 a", "2 a", "3 a", "4 a", "5 a", "6 a", "7 a", "8 a", "9 a", "10 a"], []],
    ["skip", [], [10]],
  ] as const)("is made up for as `missed` says: %s, from when it was made", async (missed, sent, passedOver) => {
    fleet = new Fleet();
    await fleet.make("a", { missed });
    await fleet.pass(10.7);
    fleet.start();
    await fleet.look();
    expect(fleet.sent).toEqual(sent);
    expect(fleet.passedOver).toEqual(passedOver);
  });

  it("is nothing where it was made anew with other times", async () => {
    fleet = new Fleet();
    await fleet.make("a", { times: { kind: "every", everyMs: 2 * MINUTE_MS }, missed: "all" });
    await fleet.pass(10.7);
    await fleet.make("a", { missed: "all" });
    fleet.start();
    await fleet.look();
    expect(fleet.sent).toEqual([]);
    await fleet.pass(1);
    expect(fleet.sent).toEqual(["11 a"]);
  });
});

it("of two that make one key at once both are taken, and one of them is it", async () => {
  fleet = new Fleet();
  await Promise.all([fleet.make("a"), fleet.make("b"), fleet.make("c")]);
  const { content } = await fleet.stream.read("aw");
  expect(["a", "b", "c"]).toContain(Buffer.from(content.payload).toString());
});

it("a stream that does not answer is asked again until it does", async () => {
  fleet = new Fleet();
  await fleet.make("a");
  fleet.stream.down = new Error("no");
  const replica = fleet.start();
  void replica.look("aw");
  await settle();
  fleet.clock.advance(1_000);
  await settle();
  expect(fleet.trouble).toEqual(["k: no", "k: no"]);
  fleet.stream.down = undefined;
  fleet.clock.advance(1_000);
  await fleet.pass(1);
  expect(fleet.sent).toEqual(["1 a"]);
});

it("one that was not found for a moment goes on", async () => {
  fleet = new Fleet();
  await fleet.make("a");
  fleet.start();
  await fleet.look();
  fleet.stream.blind = 1;
  await fleet.pass(1);
  await fleet.pass(1);
  expect(fleet.sent).toEqual(["1 a", "2 a"]);
});
