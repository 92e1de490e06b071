import { describe, expect, it } from "vitest";
import { shareOf } from "../../../runtime/control/first-messages.ts";
import { type Intent, isEnabling, readIntent, slowStartOf } from "../../../runtime/control/intent.ts";

const first = { count: 10, left: 3, saidMs: 5 };
const intent: Intent = { disabled: false, by: "ana", reason: "", sinceMs: 5, now: false, first };

describe("a share of the first messages", () => {
  it("leaves the others theirs", () => {
    expect(shareOf(intent, first, 2, 9)).toEqual({ granted: 2, next: { ...intent, first: { ...first, left: 1 } } });
  });

  it("that takes the last ones turns the handler off, with the reason", () => {
    const off = { disabled: true, by: "ana", reason: "10 messages were let through", sinceMs: 9, now: false };
    expect(shareOf(intent, first, 4, 9)).toEqual({ granted: 3, next: off });
    expect(shareOf(off, first, 1, 9)).toEqual({ granted: 0 });
  });

  it("is none where somebody has said something else since, and all where nobody counts any more", () => {
    expect(shareOf({ ...intent, first: { ...first, saidMs: 6 } }, first, 4, 9)).toEqual({ granted: 0 });
    const { first: _, ...full } = intent;
    expect(shareOf(full, first, 4, 9)).toEqual({ granted: 4 });
    expect(shareOf(undefined, first, 4, 9)).toEqual({ granted: 4 });
  });
});

describe("an intent that has its handler begin slowly", () => {
  it("is read as it was written; what cannot be understood of it is left out", () => {
    const rate = { count: 20, everyMs: 1_000 };
    expect(readIntent(JSON.stringify({ ...intent, rate }))).toEqual({ ...intent, rate });
    const { first: _, ...full } = intent;
    expect(readIntent(JSON.stringify({ ...full, rate: { count: "20" }, first: { count: 1 } }))).toEqual(full);
    expect(slowStartOf({ ...intent, rate })).toEqual({ by: "ana", sinceMs: 5, rate, first });
    expect(slowStartOf(full)).toBeUndefined();
    expect(slowStartOf({ ...intent, disabled: true })).toBeUndefined();
  });

  it("enables when it is said, not when a message is counted; unless both were since the start", () => {
    expect(isEnabling({ ...intent, first: { ...first, left: 10 } }, 100)).toBe(true);
    expect(isEnabling(intent, 100)).toBe(false);
    expect(isEnabling(intent, 5)).toBe(true);
  });
});
