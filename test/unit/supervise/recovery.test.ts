import { expect, it } from "vitest";
import { Recovery } from "../../../runtime/supervise/recovery.ts";
import { fakeClock } from "../../support/fake-clock.ts";

it("a version that fails by itself is tried less and less often, and in the end set aside", () => {
  const recovery = new Recovery(fakeClock());
  const waits = Array.from({ length: 6 }, () => recovery.notComeUp());
  expect(waits).toEqual([1_000, 1_000, 1_000, 2_000, 4_000, 60_000]);
  expect(recovery.onTrial).toBe(true);
});
