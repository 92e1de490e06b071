import { describe, expect, it } from "vitest";
import { isInForce, keyOf, nameOf, readIntent } from "../../../runtime/control/intent.ts";

describe("an intent", () => {
  it("is read as it was written", () => {
    const intent = { disabled: true, by: "ana@host", reason: "slow", sinceMs: 5, untilMs: 9, now: true };
    expect(readIntent(JSON.stringify(intent))).toEqual(intent);
  });

  it.each(["", "nonsense", "null", "[]", '{"by":7}'])("that cannot be understood turns its handler off: %j", (text) => {
    expect(readIntent(text)).toMatchObject({ disabled: true, by: "unknown" });
  });

  it("is in force while it says disabled and its end has not come", () => {
    const intent = { disabled: true, by: "", reason: "", sinceMs: 0, now: false };
    expect(isInForce(intent, 100)).toBe(true);
    expect(isInForce({ ...intent, untilMs: 101 }, 100)).toBe(true);
    expect(isInForce({ ...intent, untilMs: 100 }, 100)).toBe(false);
    expect(isInForce({ ...intent, disabled: false }, 100)).toBe(false);
  });

  it.each(["save", "todo/save", "v1.2/a..b", "a_b-c"])("has a key from which the name comes back: %s", (name) => {
    expect(keyOf(name)).toMatch(/^[-/=\w]+$/);
    expect(nameOf(keyOf(name))).toBe(name);
  });
});
