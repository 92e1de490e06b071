import { expect, it } from "vitest";
import { coveredBy, covers, widened } from "../../../runtime/streams/subject-cover.ts";

it.each([
  ["todo.>", "todo.new", true],
  ["todo.>", "todo.*", true],
  ["todo.>", "todo.>", true],
  ["todo.>", "todo.*.>", true],
  ["todo.>", "todo", false],
  ["todo.>", "*.new", false],
  ["todo.*", "todo.new", true],
  ["todo.*", "todo.*", true],
  ["todo.*", "todo.>", false],
  ["todo.*", "todo.a.b", false],
  ["todo.new", "todo.new", true],
  ["todo.new", "todo.*", false],
  ["todo.new", "todo.new.x", false],
  ["*.new", "todo.new", true],
  [">", "todo", true],
])("%s covers %s: %s", (pattern, subject, expected) => {
  expect(covers(pattern, subject)).toBe(expected);
});

it("several patterns together cover only what one of them covers", () => {
  expect(coveredBy(["todo.a", "todo.b"], "todo.b")).toBe(true);
  expect(coveredBy(["todo.a", "todo.b"], "todo.*")).toBe(false);
});

it("widening keeps everything that was taken, and drops what became superfluous", () => {
  expect(widened(["todo.a", "list.x"], "todo.*")).toEqual(["list.x", "todo.*"]);
  expect(widened(["todo.>"], "todo.a")).toEqual(["todo.>"]);
});
