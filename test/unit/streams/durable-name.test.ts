import { expect, it } from "vitest";
import {
  durableNameOf,
  earlierDurableName,
  handlerTokens,
  redriveDurableName,
} from "../../../runtime/streams/durable-name.ts";

const ALIKE = ["a/b", "a.b", "a-b", "a_b", "a/b/c", "a.b/c", "a/b.c", "a.b.c", "ab"];

function areAllDifferent(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

it("a durable's name is app and handler, with everything NATS refuses replaced, and a mark of its subject", () => {
  expect(durableNameOf("todo", "items/save", "t.a")).toBe("todo-items-save-eadcf091");
  expect(durableNameOf("todo", "items/v1.2_x", "t.a")).toMatch(/^todo-items-v1-2_x-[0-9a-f]{8}$/);
});

it("no two handlers, subjects or apps have a durable in common", () => {
  expect(areAllDifferent(ALIKE.map((handler) => durableNameOf("todo", handler, "t.a")))).toBe(true);
  expect(areAllDifferent(ALIKE.map((handler) => redriveDurableName("todo", handler, `r.${handler}`)))).toBe(true);
  expect(durableNameOf("todo", "a", "t.a")).not.toBe(durableNameOf("todo", "a", "t.b"));
  expect(durableNameOf("todo-a", "b", "t.a")).not.toBe(durableNameOf("todo", "a-b", "t.a"));
});

it("a name as long as a path is cut off, and keeps its mark", () => {
  const [one, other] = ["x", "y"].map((end) => durableNameOf("todo", `${"a".repeat(400)}${end}`, "t.a"));
  expect(one!.length).toBeLessThan(255);
  expect(one).not.toBe(other);
});

it("durables of before had neither mark nor subject", () => {
  expect(earlierDurableName("todo", "items/save")).toBe("todo-items-save");
});

it("a handler's folders are tokens of its subjects, and no two handlers have the same", () => {
  expect(handlerTokens("todo/items/save")).toBe("todo.items.save");
  expect(handlerTokens("todo.v2/save")).toBe("todo=v2.save");
  expect(areAllDifferent(ALIKE.map(handlerTokens))).toBe(true);
});
