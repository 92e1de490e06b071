import { expect, it } from "vitest";
import { differences, madeStreamName, statedConfig } from "../../../runtime/streams/stream-settings.ts";
import { unclaimedSubjects } from "../../../runtime/streams/unclaimed.ts";

it("subjects that no filter takes are unclaimed", () => {
  const counts = { "todo.new": 3, "todo.nwe": 1, "list.a.b": 2 };
  expect(unclaimedSubjects(counts, ["todo.new", "list.>"])).toEqual([{ subject: "todo.nwe", messages: 1 }]);
  expect(unclaimedSubjects(counts, [">"])).toEqual([]);
});

it("a stream made for a subject is named after the app and the first token", () => {
  expect(madeStreamName("todo", "orders.*.paid")).toBe("TODO_ORDERS");
  expect(madeStreamName("my-app", "*.paid")).toBe("MY-APP_ANY");
  expect(madeStreamName("todo", "o~rders")).toBe("TODO_O_RDERS");
});

it("only what a declaration states can differ, and the order of subjects does not", () => {
  const unstated = { description: undefined, maxBytes: undefined, maxMessages: undefined, maxMessageBytes: undefined };
  const more = { retention: undefined, storage: undefined, discard: undefined, replicas: undefined };
  const subjects = ["b", "a"];
  const declared = {
    name: "S",
    subjects,
    maxAgeMs: 5,
    duplicateWindowMs: undefined,
    atomic: undefined,
    ...unstated,
    ...more,
  };
  const stated = statedConfig(declared);
  expect(stated).toEqual({ name: "S", subjects, max_age: 5e6 });
  const actual = { name: "S", subjects: ["a", "b"], max_age: 5e6, max_msgs: 7 };
  expect(differences(stated, actual as never)).toEqual([]);
  expect(differences(stated, { ...actual, max_age: 1 } as never)).toEqual(["max_age"]);
});
