// Row by row after the table in handler-state.ts, which is read from there: the table is the specification.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type StateEvent, type StateKind, transition } from "../../../runtime/supervise/handler-state.ts";

const source = readFileSync(new URL("../../../runtime/supervise/handler-state.ts", import.meta.url), "utf8");
const rows = source
  .split("\n")
  .filter((line) => line.startsWith("// |"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const [header, ...table] = rows as [string[], ...string[][]];

describe.each(table.map((row) => [row[0], row.slice(1)] as const))("state %s", (state, cells) => {
  test.each(cells.map((to, at) => [header[at + 1], to] as const))('on "%s" becomes "%s"', (event, to) => {
    const move = () => transition(state as StateKind, event as StateEvent);
    if (to === "") expect(move).toThrow(/has no answer/);
    else expect(move()).toBe(to);
  });
});

test("closing twice is safe", () => {
  expect(transition("stopped", "closed")).toBe("stopped");
});
