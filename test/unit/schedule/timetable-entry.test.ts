// What is kept of a schedule that a handler has made, and how it crosses a header.

import { describe, expect, it } from "vitest";
import {
  entryOf,
  entryText,
  keyOf,
  type MadeSchedule,
  readEntry,
  tokenOf,
} from "../../../runtime/schedule/timetable-entry.ts";

const MADE: MadeSchedule = {
  key: "k",
  target: "t",
  times: { kind: "cron", pattern: "0 9 * * *", timeZone: "UTC" },
  missed: "once",
  by: "h",
};

describe("made again", () => {
  const before = { ...entryOf(MADE, undefined, 1_000), progress: { doneMs: 5_000, sendingMs: 5_000 } };

  it("as it is, or with another `missed`, it goes on where it was", () => {
    expect(entryOf({ ...MADE, missed: "all", by: "other" }, before, 9_000)).toEqual({
      ...before,
      missed: "all",
      by: "other",
    });
  });

  it.each([
    { target: "u" },
    { times: { kind: "cron", pattern: "0 9 * * *", timeZone: "Europe/Berlin" } },
    { times: { kind: "every", everyMs: 60_000 } },
  ] as const)("with %o it begins anew, and has missed nothing", (more) => {
    const made = { ...MADE, ...more };
    expect(entryOf(made, before, 9_000)).toEqual({ ...made, sinceMs: 9_000, progress: { doneMs: 9_000 } });
  });
});

describe("an entry", () => {
  it.each(["invoice-42", "a b", "ü 😀", "line\r\nbreak", '"quoted"'])(
    "of the key %o is one line of ASCII, and comes back",
    (key) => {
      const entry = entryOf({ ...MADE, key }, undefined, 1_000);
      expect(entryText(entry)).toMatch(/^[ -~]+$/);
      expect(readEntry(entryText(entry))).toEqual(entry);
      expect(tokenOf(key)).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(keyOf(tokenOf(key))).toBe(key);
    },
  );

  it.each(["", "no", "null", "[]", "{}", '{"key":"k","target":"t"}'])(
    "that nobody of ours has written is none: %o",
    (text) => {
      expect(readEntry(text)).toBeUndefined();
    },
  );
});
