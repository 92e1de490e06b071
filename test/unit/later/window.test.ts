// In which window a message waits, and when a window is taken up.
import { describe, expect, it } from "vitest";
import {
  hasPassed,
  isTakenUp,
  OVERDUE,
  soonSubjects,
  windowCounts,
  windowOf,
  windowOfSubject,
  windowSubject,
  windowsToOpen,
} from "../../../runtime/later/window.ts";

const NOON = Date.parse("2026-03-29T12:00:00Z");
const MINUTE = 60_000;

describe("a window", () => {
  it("is the minute in which a message is due, as a subject and back", () => {
    const window = windowOf(NOON + 59_999);
    expect(window).toBe(NOON / MINUTE);
    expect(windowOf(NOON + MINUTE)).toBe(window + 1);
    const subject = windowSubject("shop", window + 7);
    expect(subject).toBe(`later.shop.${window / 60}.7`);
    expect(windowOfSubject(subject)).toBe(window + 7);
    expect(windowOfSubject("later.shop.wake")).toBeUndefined();
    expect(windowSubject("shop", OVERDUE)).toBe("later.shop.0.0");
  });

  it("is taken up half a minute before it begins, and has passed when it has ended", () => {
    const window = windowOf(NOON);
    expect(isTakenUp(window, NOON - 30_001)).toBe(false);
    expect(isTakenUp(window, NOON - 30_000)).toBe(true);
    expect(hasPassed(window, NOON + MINUTE - 1)).toBe(false);
    expect(hasPassed(window, NOON + MINUTE)).toBe(true);
  });
});

describe("the windows that are taken up", () => {
  const now = windowOf(NOON);

  it("are those of the present, however many of the past wait", () => {
    const past = Array.from({ length: 100 }, (_, at) => now - 200 + at);
    const opened = windowsToOpen([now + 1, now + 2, now, ...past], NOON + MINUTE / 2, 3);
    expect(opened).toEqual([now - 200, now - 199, now - 198, now, now + 1]);
    expect(windowsToOpen([...past, now], NOON, 0)).toEqual([now]);
    expect(windowsToOpen([...past, now], NOON, -5)).toEqual([now]);
  });

  it("never are those of next year", () => {
    const nextYear = Array.from({ length: 1_000 }, (_, at) => windowOf(NOON + 365 * 86_400_000) + at);
    expect(windowsToOpen(nextYear, NOON, 16)).toEqual([]);
  });

  it("are looked for among the hours that may have some, and among what was due long ago", () => {
    const hour = now / 60;
    expect(soonSubjects("shop", NOON + 30 * MINUTE)).toEqual(["later.shop.0.*", `later.shop.${hour}.*`]);
    expect(soonSubjects("shop", NOON + 5 * MINUTE)).toEqual([
      "later.shop.0.*",
      `later.shop.${hour - 1}.*`,
      `later.shop.${hour}.*`,
    ]);
    expect(soonSubjects("shop", NOON - 20_000)).toContain(`later.shop.${hour}.*`);
  });

  it("are known by the stream's subjects", () => {
    const counts = windowCounts({ [windowSubject("a", now)]: 3, "later.a.0.0": 1, "later.a.x.y": 9 });
    expect([...counts]).toEqual([
      [now, 3],
      [0, 1],
    ]);
  });
});
