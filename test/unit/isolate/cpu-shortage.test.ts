import { expect, test } from "vitest";
import { CpuShortage } from "../../../runtime/isolate/cpu-shortage.ts";
import { fakeClock } from "../../support/fake-clock.ts";

/** Looks every 100 ms, and what the supervisor has waited for a core in each of these. */
function watched() {
  const clock = fakeClock();
  let waitedMs: number | undefined = 0;
  const crowding = new CpuShortage(clock, () => waitedMs);
  return {
    clock,
    crowding,
    look(atWork: number, moreMs: number | undefined) {
      clock.advance(100);
      waitedMs = moreMs === undefined || waitedMs === undefined ? undefined : waitedMs + moreMs;
      crowding.look(atWork);
      return crowding.isCrowded;
    },
  };
}

test("several at work and a supervisor that waits for a core are a crowd", () => {
  const { look } = watched();
  expect(look(2, 30)).toBe(false); // Since when it has waited nobody knows.
  expect(look(2, 30)).toBe(true);
});

test("several with cores for all are none, nor is one alone, however busy", () => {
  const { look } = watched();
  for (let n = 0; n < 5; n++) expect(look(2, 5)).toBe(false);
  for (let n = 0; n < 5; n++) expect(look(1, 60)).toBe(false);
  expect(look(2, 60)).toBe(false);
});

test("a crowd is remembered for half a minute", () => {
  const { look, clock, crowding } = watched();
  look(2, 30);
  look(2, 30);
  clock.advance(29_000);
  expect(look(2, 0)).toBe(true);
  clock.advance(1_000);
  expect(crowding.isCrowded).toBe(false);
});

test("where the kernel does not tell, nobody is in the way", () => {
  const { look } = watched();
  for (let n = 0; n < 3; n++) expect(look(5, undefined)).toBe(false);
});
