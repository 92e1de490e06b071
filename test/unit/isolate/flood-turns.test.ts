import { expect, test } from "vitest";
import { FloodTurns } from "../../../runtime/isolate/flood-turns.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const KB = 1024;

function taking(isCrowded = true) {
  const clock = fakeClock();
  const told: string[] = [];
  const intake = { hold: () => told.push("hold"), release: () => told.push("release") };
  return { clock, told, turns: new FloodTurns(intake, { isCrowded }, clock) };
}

test("in a crowd a flood has its share, and then a pause", () => {
  const { clock, told, turns } = taking();
  for (let n = 0; n < 31; n++) turns.published(KB);
  expect(told).toEqual([]);
  turns.published(KB);
  expect(told).toEqual(["hold"]);
  for (let n = 0; n < 100; n++) turns.published(KB); // What was read before the pause.
  expect(told).toEqual(["hold"]);
  clock.advance(3);
  expect(told).toEqual(["hold", "release"]);
  for (let n = 0; n < 32; n++) turns.published(KB);
  expect(told).toEqual(["hold", "release", "hold"]);
});

test("messages count, not only their bytes", () => {
  const { told, turns } = taking();
  for (let n = 0; n < 64; n++) turns.published(10);
  expect(told).toEqual(["hold"]);
});

test("who publishes a little all the time is never held up", () => {
  const { clock, told, turns } = taking();
  for (let n = 0; n < 1_000; n++) {
    turns.published(KB);
    clock.advance(1);
  }
  expect(told).toEqual([]);
});

test("without a crowd nobody is held up", () => {
  const { told, turns } = taking(false);
  for (let n = 0; n < 1_000; n++) turns.published(KB);
  expect(told).toEqual([]);
});

test("lines of the log count as well, and more", () => {
  const { told, turns } = taking();
  for (let n = 0; n < 15; n++) turns.logged(100);
  expect(told).toEqual([]);
  turns.logged(100);
  expect(told).toEqual(["hold"]);
});
