import { describe, expect, test } from "vitest";
import { type Death, NOBODYS_DEATH } from "../../../runtime/deliver/suspicions.ts";
import { addFailure, decideRestart, NO_FAILURES, quarantined } from "../../../runtime/supervise/restart-policy.ts";

/** Of a message of which nothing was known, with nothing well before: it counts against the handler. */
const NEW: Death = { ...NOBODYS_DEATH, of: "message" };
const SEVERAL: Death = { ...NOBODYS_DEATH, of: "several" };
const KILLER: Death = { ...NOBODYS_DEATH, of: "killer" };
const wellBefore = (death: Death): Death => ({ ...death, wellBefore: true });
const explains = (death: Death): Death => ({ ...death, explains: true });

type At = number | readonly [atMs: number, death: Death];

function decisions(failures: readonly At[]): (number | string)[] {
  let history = NO_FAILURES;
  return failures.map((failure) => {
    const [atMs, death] = typeof failure === "number" ? ([failure, NEW] as const) : failure;
    history = addFailure(history, atMs, death);
    const decision = decideRestart(history, death);
    if (decision.do === "restart") return decision.afterMs;
    history = quarantined(history, decision.coolDownMs);
    return `quarantine ${decision.coolDownMs / 1_000} s`;
  });
}

test("deaths through another handler of its group count against nobody", () => {
  const others: Death = { ...NOBODYS_DEATH, of: "others" };
  expect(decisions([0, 1, 2, 3, 4, 5, 6].map((atMs) => [atMs, others] as const))).toEqual([0, 0, 0, 0, 0, 0, 0]);
  expect(decisions([0, [1, others], [2, others], 3])).toEqual([0, 0, 0, 500]);
});

test("a single failure restarts at once", () => {
  expect(decisions([5_000])).toEqual([0]);
});

for (const [what, death] of [
  ["of messages of which nothing was known", NEW],
  ["with several in hand", SEVERAL],
  ["with nothing in hand", NOBODYS_DEATH],
  ["with nothing in hand, others having ended well", wellBefore(NOBODYS_DEATH)],
] as const) {
  test(`deaths ${what} that follow each other wait twice as long each time, then the handler is set aside`, () => {
    const six = [0, 1, 2, 3, 4, 5].map((atMs) => [atMs, death] as const);
    expect(decisions(six)).toEqual([0, 500, 1_000, 2_000, 4_000, "quarantine 60 s"]);
  });
}

/** Each failure comes `afterMs` after the restart that followed the one before. */
function untilQuarantine(afterMs: number): number {
  let history = NO_FAILURES;
  for (let failures = 1, atMs = 0; failures < 100; failures++) {
    history = addFailure(history, atMs, NEW);
    const decision = decideRestart(history, NEW);
    if (decision.do === "quarantine") return failures;
    atMs += decision.afterMs + afterMs;
  }
  return Number.POSITIVE_INFINITY;
}

test("the delays themselves do not keep a handler from being set aside", () => {
  expect(untilQuarantine(0)).toBe(6);
  expect(untilQuarantine(1_000)).toBeLessThanOrEqual(7);
  expect(untilQuarantine(5_000)).toBeLessThan(10);
});

test("a handler that works for half a minute between its failures is not set aside", () => {
  expect(untilQuarantine(30_000)).toBe(Number.POSITIVE_INFINITY);
});

test("failures fade: a crash every few minutes always restarts at once", () => {
  expect(decisions([0, 300_000, 600_000, 900_000])).toEqual([0, 0, 0, 0]);
});

describe("a death laid to one message", () => {
  const hundred = (death: Death) => decisions(Array.from({ length: 100 }, (_, atMs) => [atMs, death]));

  test("that is known to kill never sets the handler aside, and waits a fifth of a second", () => {
    expect(Math.max(...(hundred(KILLER) as number[]))).toBe(200);
  });

  test("never sets the handler aside when others have ended well in between", () => {
    expect(Math.max(...(hundred(wellBefore(NEW)) as number[]))).toBe(200);
  });

  test("takes back the death of several that it explains", () => {
    const found = [0, 1, 2, 3, 4, 5].flatMap((at): At[] => [
      [at * 10, SEVERAL],
      [at * 10 + 1, explains(wellBefore(NEW))],
    ]);
    expect(decisions(found).filter((decision) => typeof decision !== "number")).toEqual([]);
  });

  test("adds nothing to what counts against the handler", () => {
    const killers = [10, 11, 12].map((atMs) => [atMs, KILLER] as const);
    expect(decisions([0, 1, 2, ...killers, 20]).at(-1)).toBe(2_000);
  });
});

describe("a trial after a quarantine", () => {
  const UNTIL: readonly At[] = [0, 1, 2, 3, 4, 5];

  test("one death that counts against the handler sets it aside again, for longer", () => {
    expect(decisions([...UNTIL, 60_100, 180_200]).slice(-3)).toEqual([
      "quarantine 60 s",
      "quarantine 120 s",
      "quarantine 240 s",
    ]);
  });

  test("the death of a known killer does not end it", () => {
    expect(decisions([...UNTIL, [60_100, KILLER], [60_200, KILLER], 60_300]).slice(-3)).toEqual([
      200,
      200,
      "quarantine 120 s",
    ]);
  });

  test("is passed once something has ended well: the next death is one of several again", () => {
    expect(decisions([...UNTIL, [60_100, wellBefore(SEVERAL)], [60_200, SEVERAL]]).slice(-2)).toEqual([2_000, 4_000]);
  });

  test("that was passed is not forgotten at once: the next quarantine is longer", () => {
    const again: readonly At[] = [60_200, 60_300].map((atMs) => [atMs, SEVERAL]);
    expect(decisions([...UNTIL, [60_100, wellBefore(SEVERAL)], ...again]).at(-1)).toBe("quarantine 120 s");
  });
});
