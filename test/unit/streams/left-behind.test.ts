import { expect, it } from "vitest";
import { settledByOther } from "../../../runtime/streams/handler-durable.ts";
import { leftDurables, leftNotice, takesText } from "../../../runtime/streams/left-behind.ts";
import type { AppDurable } from "../../../runtime/streams/left-durables.ts";

function durable(handler: string, filter: string, changes: Partial<AppDurable> = {}): AppDurable {
  return {
    stream: "T",
    durable: `app-${handler}-${filter}`,
    handler,
    filter,
    waiting: 4,
    settledTo: 10,
    deliveredTo: 10,
    oneAtATime: false,
    isPartition: false,
    ...changes,
  };
}

it("a durable is left behind when no version of its handler that runs takes its subject", () => {
  const durables = [durable("h", "t.a"), durable("h", "t.b"), durable("h", "t.c")];
  const left = (...subjects: string[][]) =>
    leftDurables(
      durables,
      subjects.map((one) => ({ handler: "h", subjects: one })),
    ).map(({ filter }) => filter);
  expect(left(["t.b"])).toEqual(["t.a", "t.c"]);
  expect(left(["t.b"], ["t.a"])).toEqual(["t.c"]);
  expect(left(["t.a", "t.b", "t.c"])).toEqual([]);
  expect(left([])).toEqual(["t.a", "t.b", "t.c"]);
});

it("a handler of which nothing is known keeps all of its own", () => {
  expect(leftDurables([durable("h", "t.a")], [{ handler: "other", subjects: ["t.b"] }])).toEqual([]);
});

it("what is told says how many wait, where, why, and what to do", () => {
  const takes = takesText({ kind: "durable", subjects: ["t.b"] });
  expect(leftNotice(durable("h", "t.a"), takes)).toBe(
    '4 messages of "t.a" left in durable "app-h-t.a" of stream "T": handler "h" takes "t.b" now, and only a replica of an older version handles them. Set the subject back to have them handled; `handlers prune` shows and removes what is left',
  );
  expect(leftNotice(durable("h", "t.a", { waiting: 1 }), takesText({ kind: "event", subjects: ["t.a"] }))).toMatch(
    /^1 message of .* handler "h" takes "t\.a" as event handler now/,
  );
  expect(leftNotice(durable("h", "t.a"), undefined)).toMatch(/handler "h" is gone\. Put its file back/);
});

it("what a durable of an overlapping subject has settled is settled, and nothing else", () => {
  const others = [durable("h", "t.*", { settledTo: 10 }), durable("h", "x", { settledTo: 99 })];
  expect(settledByOther(others, "t.a", 10)).toBe(true);
  expect(settledByOther(others, "t.a", 11)).toBe(false);
  expect(settledByOther(others, "t.a.b", 5)).toBe(false);
  expect(settledByOther([], "t.a", 1)).toBe(false);
});
