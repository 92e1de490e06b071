// Names, parts, the log tap and the last errors.

import { describe, expect, it } from "vitest";
import type { LogLine } from "../../../runtime/control/control-protocol.ts";
import { findNames, isGlob } from "../../../runtime/control/handler-names.ts";
import { LastErrors } from "../../../runtime/control/last-errors.ts";
import { LogTap } from "../../../runtime/control/log-tap.ts";
import { splitAnswer } from "../../../runtime/control/split-answer.ts";
import { fakeClock } from "../../support/fake-clock.ts";

describe("names", () => {
  it("are matched by globs, each counted once, and those that fit nothing are told", () => {
    const known = ["todo/save", "todo/list", "order", "a/b/c"];
    expect(findNames(["todo/*", "todo/save", "prder"], known)).toEqual({
      names: ["todo/list", "todo/save"],
      unknown: ["prder"],
    });
    expect(findNames(["*"], known).names).toEqual(["order"]);
    expect(findNames(["**"], known).names).toHaveLength(4);
  });

  it("with * or ? are globs", () => {
    expect(["a*", "a?", "a/b"].map(isGlob)).toEqual([true, true, false]);
  });
});

describe("parts", () => {
  it("keep all items in order, and one that is too large by itself", () => {
    const items = ["aaaa", "bbbb", "c".repeat(100), "dd"];
    expect(splitAnswer(items, 20)).toEqual([["aaaa", "bbbb"], ["c".repeat(100)], ["dd"]]);
    expect(splitAnswer([], 20)).toEqual([[]]);
  });
});

describe("the log tap", () => {
  const line = (handler: string, text: string): LogLine => ({ replica: "r", timeMs: 0, level: "info", handler, text });
  const isSave = ({ handler }: LogLine) => handler === "save";

  it("keeps the last 500 lines, and gives the last ones that match", () => {
    const tap = new LogTap(fakeClock(), () => undefined);
    for (let at = 0; at < 600; at++) tap.add(line(at % 2 === 0 ? "save" : "list", String(at)));
    expect(tap.last(500, () => true)).toHaveLength(500);
    expect(tap.last(2, isSave).map(({ text }) => text)).toEqual(["596", "598"]);
    expect(tap.last(0, isSave)).toEqual([]);
  });

  it("sends what matches while the lease lasts", () => {
    const clock = fakeClock();
    const sent: string[] = [];
    const tap = new LogTap(clock, (to, { text }) => sent.push(`${to} ${text}`));
    tap.lease("inbox", isSave, 1_000);
    tap.add(line("save", "one"));
    tap.add(line("list", "two"));
    clock.advance(900);
    tap.lease("inbox", isSave, 1_000);
    clock.advance(900);
    tap.add(line("save", "three"));
    clock.advance(200);
    tap.add(line("save", "four"));
    expect(sent).toEqual(["inbox one", "inbox three"]);
  });
});

describe("last errors", () => {
  it("are the last lines of a handler that tell of an error", () => {
    const errors = new LastErrors();
    const line = { level: "error", handler: "save", timeMs: 5, text: "it broke" };
    errors.add({ ...line, fields: { code: "HANDLER_THREW", place: "a.ts:1", frame: undefined } });
    errors.add({ ...line, timeMs: 6, text: "author's own" });
    errors.add({ ...line, timeMs: 7, level: "warn", fields: { code: "X" } });
    expect(errors.of("save")).toEqual({ code: "HANDLER_THREW", message: "it broke", place: "a.ts:1", atMs: 5 });
    expect(errors.of("list")).toBeUndefined();
  });
});
