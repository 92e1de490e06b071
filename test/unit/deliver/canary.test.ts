import { describe, expect, it } from "vitest";
import { Canary, type Verdict, verdictOn } from "../../../runtime/deliver/canary.ts";
import { type Outcome, RETURNED } from "../../../runtime/message/outcome.ts";

const RULE = { percent: 10, messages: 100, tolerance: 5 };
const THREW: Outcome = { kind: "threw", error: { name: "Error", message: "no", stack: "" } };
const first = { attempt: 1 };

const canaryOf = (rule: Partial<typeof RULE> = {}) => {
  const verdicts: Verdict[] = [];
  return { canary: new Canary("v2", { ...RULE, ...rule }, (verdict) => verdicts.push(verdict)), verdicts };
};

describe("which messages are its", () => {
  it.each([1, 10, 33, 50])("%d per cent of numbers in a row, and of every third or tenth of them", (percent) => {
    const { canary } = canaryOf({ percent });
    for (const step of [1, 3, 10]) {
      const taken = Array.from({ length: 10_000 }, (_, at) => canary.takes({ ...first, seq: 1 + at * step })).filter(
        Boolean,
      );
      expect(Math.abs(taken.length / 100 - percent)).toBeLessThan(0.5);
    }
  });

  it("follows from the number: the same for every replica, and none that is tried again (Y1)", () => {
    const [one, other] = [canaryOf().canary, canaryOf().canary];
    for (let seq = 1; seq < 1_000; seq++) expect(one.takes({ ...first, seq })).toBe(other.takes({ ...first, seq }));
    for (let seq = 1; seq < 1_000; seq++) expect(one.takes({ attempt: 2, seq })).toBe(false);
  });
});

describe("what counts", () => {
  it("is the first attempt of what the handler had a part in (Y2)", () => {
    const { canary } = canaryOf();
    canary.count(true, first, THREW);
    canary.count(true, { attempt: 2 }, THREW);
    canary.count(true, first, { kind: "cancelled", by: "ana", blocked: false });
    canary.count(false, first, RETURNED);
    canary.count(false, first, { kind: "given-back", why: "shutdown" });
    expect(canary.figures).toEqual({ own: { handled: 1, failed: 1 }, before: { handled: 1, failed: 0 } });
  });
});

describe("the verdict (Y3)", () => {
  const verdict = (own: [number, number], before: [number, number], rule: Partial<typeof RULE> = {}) =>
    verdictOn({ handled: own[0], failed: own[1] }, { handled: before[0], failed: before[1] }, { ...RULE, ...rule });

  it.each([
    [[99, 0], [900, 0], undefined],
    [[100, 0], [900, 0], "passed"],
    [[100, 5], [900, 0], "passed"],
    [[100, 6], [900, 0], "failed"],
    [[100, 20], [900, 180], "passed"],
    [[100, 26], [900, 180], "failed"],
  ] as const)("%j beside %j: %s", (own, before, expected) => {
    expect(verdict([...own], [...before])).toBe(expected);
  });

  it("is given as soon as it cannot pass any more", () => {
    expect(verdict([6, 6], [50, 0])).toBe("failed");
    expect(verdict([5, 5], [50, 0])).toBeUndefined();
  });

  it("is not given before the version before has handled as many", () => {
    expect(verdict([100, 100], [99, 0])).toBeUndefined();
  });

  it("is given once", () => {
    const { canary, verdicts } = canaryOf({ messages: 1, tolerance: 0 });
    for (let at = 0; at < 3; at++) canary.count(false, first, RETURNED);
    for (let at = 0; at < 3; at++) canary.count(true, first, THREW);
    expect(verdicts).toEqual(["failed"]);
  });
});
