// A log whose reader stands still.

import { beforeEach, expect, it } from "vitest";
import { LogOutput } from "../../../runtime/terminal/log-output.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let room: number;
let read: string;
let back: [number, number][];
let log: LogOutput;

beforeEach(() => {
  clock = fakeClock();
  room = Number.POSITIVE_INFINITY;
  read = "";
  back = [];
  const take = (bytes: Uint8Array) => {
    const taken = Math.min(room, bytes.length);
    room -= taken;
    read += Buffer.from(bytes.subarray(0, taken)).toString();
    return taken;
  };
  const write = () => {
    throw new Error("that would wait");
  };
  log = new LogOutput({ output: { take, write }, clock, onBack: (...told) => back.push(told) });
});

const LINE = `${"x".repeat(1_023)}\n`;

it("a line is written at once (T1)", () => {
  log.write("one\n");
  expect([read, clock.pending]).toEqual(["one\n", 0]);
});

it("what the reader does not take waits, in order and whole, and nothing is told (T2)", () => {
  room = 2;
  log.write("one\n");
  log.write("two\n");
  expect(read).toBe("on");
  room = 3;
  clock.advance(5);
  expect(read).toBe("one\nt");
  room = Number.POSITIVE_INFINITY;
  clock.advance(5);
  expect([read, back, clock.pending]).toEqual(["one\ntwo\n", [], 0]);
});

it("beyond that lines are dropped, whole ones, and their number is told when the reader is back (T2)", () => {
  room = 0;
  for (let n = 0; n < 5_000; n++) log.write(LINE);
  clock.advance(60_000);
  expect([read, back]).toEqual(["", []]);
  room = Number.POSITIVE_INFINITY;
  clock.advance(100);
  const kept = read.length / LINE.length;
  expect([kept, back.length]).toEqual([1_024, 1]);
  const [[dropped, stoodStillMs]] = back as [[number, number]];
  expect([dropped, Math.round(stoodStillMs / 1_000)]).toEqual([5_000 - kept, 60]);
  expect(clock.pending).toBe(0);
});

it("in the end a reader that goes on taking has all of it, and one that stands still a second (T3)", async () => {
  room = 0;
  log.write("one\n");
  const closed = log.close();
  for (let n = 0; n < 3; n++) {
    clock.advance(900);
    room = 1;
    await Promise.resolve();
  }
  clock.advance(999);
  await Promise.resolve();
  expect(read).toBe("one");
  clock.advance(1_000);
  await closed;
  expect([read, clock.pending]).toEqual(["one", 0]);
});
