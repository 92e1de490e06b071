// What a worker prints, line by line, and what becomes of a flood.

import { PassThrough } from "node:stream";
import { beforeEach, expect, it } from "vitest";
import { LineCutter } from "../../../runtime/isolate/line-cutter.ts";
import { OutputCapture, type OutputListener } from "../../../runtime/isolate/output.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let stream: PassThrough;
let lines: string[];
let dropped: number[];
let isCrowded: boolean;
let capture: OutputCapture;

beforeEach(() => {
  clock = fakeClock();
  stream = new PassThrough();
  lines = [];
  dropped = [];
  isCrowded = false;
  const listener: OutputListener = {
    isWanted: (line) => line !== "noise",
    onLine: (line) => lines.push(line),
    onDropped: (count) => dropped.push(count),
  };
  capture = new OutputCapture(stream, listener, clock, {
    get isCrowded() {
      return isCrowded;
    },
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => `line ${from + at}\n`).join("");

it("lines are handed out as they come, whole ones, without their ends", async () => {
  stream.write("one\r\ntw");
  stream.write("o\n\nnoise\nthr");
  await turn();
  expect(lines).toEqual(["one", "two"]);
  stream.end("ee");
  await capture.ended;
  expect(lines).toEqual(["one", "two", "three"]);
  expect([capture.last, dropped, clock.pending]).toEqual([["one", "two", "three"], [], 0]);
});

it("a burst is handed out in pieces, and none of it is lost (O1)", async () => {
  stream.write(numbered(0, 1_500));
  await turn();
  expect(lines.length).toBe(100);
  clock.advance(20);
  expect(lines.length).toBe(200);
  for (let window = 0; window < 20; window++) clock.advance(20);
  expect([lines.length, lines.at(-1), dropped, clock.pending]).toEqual([1_500, "line 1499", [], 0]);
});

it("a flood is dropped beyond that, counted, and told once a second (O2)", async () => {
  stream.write(numbered(0, 5_000));
  stream.write(numbered(5_000, 5_000));
  await turn();
  clock.advance(999);
  expect(dropped).toEqual([]);
  clock.advance(1);
  expect(lines.length + dropped[0]!).toBe(10_000);
  expect([dropped.length, lines.length]).toEqual([1, 2_100]);
  stream.end("and then\n");
  await capture.ended;
  expect([lines.at(-1), dropped.length]).toEqual(["and then", 1]);
});

it("its last lines are known, though they were dropped (O3)", async () => {
  stream.write(numbered(0, 5_000));
  stream.write(`${numbered(5_000, 5_000)}noise\nFATAL ERROR: heap out of memory\n`);
  stream.end();
  await capture.ended;
  expect(lines.length).toBe(2_100);
  expect(capture.last.length).toBe(20);
  expect(capture.last.slice(-2)).toEqual(["line 9999", "FATAL ERROR: heap out of memory"]);
});

it("who prints faster than it is read waits at its pipe (O4)", async () => {
  for (let at = 0; at < 5; at++) stream.write(`${"x".repeat(64 * 1024 - 1)}\n`);
  await turn();
  expect(stream.isPaused()).toBe(true);
  clock.advance(20);
  await turn();
  expect(stream.isPaused()).toBe(false);
});

it("where cores are short it waits there sooner (O4)", async () => {
  const print = () => stream.write(`${"x".repeat(40 * 1024)}\n`);
  for (let at = 0; at < 2; at++) print();
  await turn();
  expect(stream.isPaused()).toBe(false);
  isCrowded = true;
  clock.advance(20);
  for (let at = 0; at < 2; at++) print();
  await turn();
  expect(stream.isPaused()).toBe(true);
});

it("a line that does not end is cut, once, and not within a character", () => {
  const cut: string[] = [];
  const cutter = new LineCutter();
  const push = (text: string) => cutter.cut(Buffer.from(text), 10, (line) => cut.push(line));
  for (let at = 0; at < 100; at++) push("x".repeat(8_000));
  expect(cut).toEqual([]);
  push("\nshort\n");
  push(`${"x".repeat(8_191)}ä\n`);
  push(`${"x".repeat(8_190)}ä\n`);
  expect(cut).toEqual([`${"x".repeat(8_192)}...`, "short", `${"x".repeat(8_191)}...`, `${"x".repeat(8_190)}ä`]);
});
