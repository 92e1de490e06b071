// Whether a message that is handed out leaves, and whether it may still be cancelled.
import { expect, it } from "vitest";
import { departure, retryMs } from "../../../runtime/later/departure.ts";

it("a message is put off until it is due", () => {
  expect(departure({ deliveries: 1, dueMs: 5_000, nowMs: 2_000 })).toEqual({ do: "put-off", delayMs: 3_000 });
});

it("one that comes back a little early is put off for the rest (D1)", () => {
  expect(departure({ deliveries: 2, dueMs: 5_000, nowMs: 4_996.5 })).toEqual({ do: "put-off", delayMs: 3.5 });
  expect(departure({ deliveries: 2, dueMs: 5_000, nowMs: 4_999.9 })).toEqual({ do: "put-off", delayMs: 1 });
});

it("one that is due leaves on a later delivery than the first, also when it is overdue (D2)", () => {
  expect(departure({ deliveries: 1, dueMs: 5_000, nowMs: 5_000 })).toEqual({ do: "put-off", delayMs: 1 });
  expect(departure({ deliveries: 1, dueMs: 5_000, nowMs: 900_000 })).toEqual({ do: "put-off", delayMs: 1 });
  expect(departure({ deliveries: 2, dueMs: 5_000, nowMs: 5_000 })).toEqual({ do: "leave" });
  expect(departure({ deliveries: 9, dueMs: 5_000, nowMs: 900_000 })).toEqual({ do: "leave" });
});

it("what cannot leave now is tried again, less and less often", () => {
  expect([2, 3, 4, 5, 9, 1_000].map(retryMs)).toEqual([500, 1_000, 2_000, 4_000, 30_000, 30_000]);
});
