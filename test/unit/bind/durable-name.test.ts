import { expect, it } from "vitest";
import { durableClash, durableNameOf, handlerTokens } from "../../../runtime/bind/durable-name.ts";

it("a durable's name is app and handler, with everything NATS refuses replaced", () => {
  expect(durableNameOf("todo", "items/save")).toBe("todo-items-save");
  expect(durableNameOf("todo", "items/v1.2_x")).toBe("todo-items-v1-2_x");
});

it("handlers whose durables would have the same name are named, both", () => {
  expect(durableClash("todo", ["a/b", "c", "a.b"])).toEqual(["a/b", "a.b"]);
  expect(durableClash("todo", ["a/b", "a/c", "a/b"])).toBeUndefined();
});

it("a handler's folders are tokens of its subjects", () => {
  expect(handlerTokens("todo/items/save")).toBe("todo.items.save");
});
