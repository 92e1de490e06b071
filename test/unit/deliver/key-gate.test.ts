import { expect, it } from "vitest";
import { KeyGate } from "../../../runtime/deliver/key-gate.ts";
import { fakeClock } from "../../support/fake-clock.ts";

it("G3: what is known of a key is forgotten when it makes no difference any more", () => {
  const clock = fakeClock();
  const rate = { count: 10, everyMs: 1_000, per: "replica" } as const;
  const gate = new KeyGate({ rate, clock, waiting: () => 0, onOpen: () => undefined });
  for (let key = 0; key < 5_000; key++) {
    expect(gate.waitMs(`k${key}`, clock.monotonicMs())).toBe(0);
    gate.take(`k${key}`, clock.monotonicMs());
    gate.ended(`k${key}`);
    clock.advance(1);
  }
  expect(gate.waitMs("k4999", clock.monotonicMs())).toBe(99);
  expect(gate.known).toBeLessThan(1_500);
});
