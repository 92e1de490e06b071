import { beforeEach, describe, expect, it } from "vitest";
import { RecentlyHandled } from "../../../runtime/bind/recently-handled.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const TICK_MS = 10_000;
let clock: FakeClock;
let handled: RecentlyHandled;
beforeEach(() => {
  clock = fakeClock();
  handled = new RecentlyHandled(clock);
  handled.resume("made at one");
});

const message = (streamSequence: number, storedAtMs = 5.25) => ({ streamSequence, storedAtMs });

function pass(ms: number): void {
  for (let gone = 0; gone < ms; gone += TICK_MS) {
    clock.advance(TICK_MS);
    handled.tick();
  }
}

describe("a message that was handled", () => {
  it("comes again only after a break: before, whoever sends it again wants it run", () => {
    handled.add(message(1));
    expect(handled.comesAgain(message(1))).toBe(false);
    handled.resume("made at one");
    expect(handled.comesAgain(message(1))).toBe(true);
  });

  it("is acknowledged again once for each break", () => {
    handled.add(message(1));
    handled.resume("made at one");
    expect([handled.comesAgain(message(1)), handled.comesAgain(message(1))]).toEqual([true, false]);
    handled.resume("made at one");
    expect(handled.comesAgain(message(1))).toBe(true);
  });

  it("is run again when its consumer was made anew", () => {
    handled.add(message(1));
    handled.resume("made at two");
    handled.resume("made at two");
    expect(handled.comesAgain(message(1))).toBe(false);
  });

  it("is not taken for one of the same number in a stream that counts from 1 again", () => {
    handled.add(message(1));
    handled.resume("made at one");
    expect(handled.comesAgain(message(1, 6.25))).toBe(false);
  });

  it("is known for a minute at least, and forgotten two minutes after the break", () => {
    handled.add(message(1));
    pass(50_000);
    handled.add(message(2));
    handled.resume("made at one");
    pass(110_000);
    expect(handled.comesAgain(message(1))).toBe(true);
    pass(10_000);
    expect(handled.comesAgain(message(2))).toBe(false);
  });

  it("is forgotten after two minutes without a break", () => {
    handled.add(message(1));
    pass(130_000);
    handled.resume("made at one");
    expect(handled.comesAgain(message(1))).toBe(false);
  });
});

it("of many, the latest 100,000 are known", () => {
  for (let seq = 1; seq <= 250_000; seq++) handled.add(message(seq));
  handled.resume("made at one");
  const known = [1, 150_000, 200_001, 250_000].map((seq) => handled.comesAgain(message(seq)));
  expect(known).toEqual([false, false, true, true]);
});
