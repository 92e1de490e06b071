import { expect, test } from "vitest";
import { dependentsOf } from "../../../runtime/bundle/dependents.ts";

const INPUTS = new Map([
  ["todo/save", ["/p/handlers/todo/save.ts", "/p/handlers/todo/_events.ts"]],
  ["todo/list", ["/p/handlers/todo/list.ts", "/p/handlers/todo/_events.ts", "/p/lib/db.ts"]],
  ["hello", ["/p/handlers/hello.ts"]],
]);

test("a changed handler file concerns that handler and nobody else", () => {
  expect(dependentsOf(new Set(["/p/handlers/hello.ts"]), INPUTS)).toEqual(new Set(["hello"]));
});

test("a changed shared module concerns all its importers and nobody else", () => {
  expect(dependentsOf(new Set(["/p/handlers/todo/_events.ts"]), INPUTS)).toEqual(new Set(["todo/save", "todo/list"]));
});

test("a changed folder concerns whoever has a file below it", () => {
  expect(dependentsOf(new Set(["/p/lib"]), INPUTS)).toEqual(new Set(["todo/list"]));
  expect(dependentsOf(new Set(["/p/handlers/tod"]), INPUTS)).toEqual(new Set());
});

test("unrelated changes, and none, concern nobody", () => {
  expect(dependentsOf(new Set(["/p/readme.md"]), INPUTS)).toEqual(new Set());
  expect(dependentsOf(new Set(), INPUTS)).toEqual(new Set());
});
