import { expect, it } from "vitest";
import { Recovery } from "../../../runtime/supervise/recovery.ts";
import { fakeClock } from "../../support/fake-clock.ts";

it("that NATS is away is not held against a handler: it is tried every second, however long that takes", () => {
  const recovery = new Recovery(fakeClock());
  for (let tries = 0; tries < 60; tries++) expect(recovery.notComeUp("NATS_UNREACHABLE")).toBe(1_000);
  expect(recovery.onTrial).toBe(false);
});

it("a version that fails by itself is tried less and less often, and in the end set aside", () => {
  const recovery = new Recovery(fakeClock());
  const waits = Array.from({ length: 6 }, () => recovery.notComeUp("HANDLER_SETUP_FAILED"));
  expect(waits).toEqual([1_000, 1_000, 1_000, 1_000, 2_000, 60_000]);
  expect(recovery.onTrial).toBe(true);
});
