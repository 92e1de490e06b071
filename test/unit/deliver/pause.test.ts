import { beforeEach, expect, it } from "vitest";
import { Pause } from "../../../runtime/deliver/pause.ts";
import type { HoldBoard } from "../../../runtime/message/hold.ts";
import type { SlowDowns, SlowDownWords } from "../../../runtime/message/slow-down.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let told: SlowDownWords[];
let changes: boolean[];
let held: string[];
let hear: ((words: SlowDownWords) => void) | undefined;
let pause: Pause;

beforeEach(() => {
  [clock, told, changes, held, hear] = [fakeClock(), [], [], [], undefined];
  const slowDowns: SlowDowns = {
    tell: (_handler, words) => void told.push(words),
    watch(_handler, heard) {
      hear = heard;
      return () => {
        hear = undefined;
      };
    },
  };
  const holds: HoldBoard = {
    begin: ({ text }) => void held.push(text),
    end: (reason) => void held.push(`${reason} ended`),
  };
  pause = new Pause({ handler: "h", slowDowns, holds, clock, onChange: (isPaused) => void changes.push(isPaused) });
});

it("lasts as long as was asked for, and the other replicas are told", () => {
  pause.ask({ delayMs: 1_000, why: "429" });
  expect([changes, told]).toEqual([[true], [{ delayMs: 1_000, why: "429" }]]);
  clock.advance(999);
  expect(changes).toEqual([true]);
  clock.advance(1);
  expect(changes).toEqual([true, false]);
  expect(held).toEqual([expect.stringMatching(/^it pauses until .* in this replica \(429\)$/), "slowed-down ended"]);
});

it("is that of another replica too, which is not told again", () => {
  hear!({ delayMs: 500, why: "429" });
  expect([changes, told]).toEqual([[true], []]);
  clock.advance(500);
  expect(changes).toEqual([true, false]);
});

it("lasts until the latest end that was asked for; what asks for less changes nothing and is told to nobody", () => {
  pause.ask({ delayMs: 1_000, why: "first" });
  clock.advance(100);
  pause.ask({ delayMs: 200, why: "less" });
  pause.ask({ delayMs: 2_000, why: "more" });
  clock.advance(1_999);
  expect([changes, told.map(({ why }) => why)]).toEqual([[true], ["first", "more"]]);
  clock.advance(1);
  expect(changes).toEqual([true, false]);
});

it("that is closed ends at once, and hears of nothing more", () => {
  pause.ask({ delayMs: 1_000, why: "429" });
  pause.close();
  clock.advance(5_000);
  expect([changes, hear]).toEqual([[true, false], undefined]);
});

it("does not begin once it is closed: what is in hand has to be finished", () => {
  pause.close();
  expect(pause.ask({ delayMs: 3_600_000, why: "429" })).toBe(false);
  expect([changes, told, held]).toEqual([[], [], []]);
});
