import { expect, it } from "vitest";
import { slowStartText } from "../../../runtime/control/slow-start-text.ts";
import { ReplicaSlowStarts } from "../../../runtime/control/slow-starts.ts";
import type { HandlerSummary } from "../../../runtime/control/summary.ts";
import type { SlowStartWords } from "../../../runtime/message/slow-start.ts";

const rate = { count: 20, everyMs: 1_000 };
const first = { count: 10, left: 4, saidMs: 5 };
const words: SlowStartWords = { by: "ana", sinceMs: 5, rate, first };

it("whoever watches hears what holds, what comes, and none is left for it when the handler is turned off", () => {
  const starts = new ReplicaSlowStarts();
  starts.on("save", words);
  const heard: unknown[] = [];
  const end = starts.watch("save", (said) => heard.push(said));
  starts.on("other", words);
  starts.off("save");
  expect(starts.of("save")).toBeUndefined();
  starts.on("save", undefined);
  end();
  starts.on("save", words);
  expect(heard).toEqual([words, { ...words, first: { ...first, left: 0 } }, undefined]);
});

it("a rate goes on for what has come when the handler is turned off", () => {
  const starts = new ReplicaSlowStarts();
  starts.on("save", { by: "ana", sinceMs: 5, rate });
  const heard: unknown[] = [];
  starts.watch("save", (said) => heard.push(said));
  starts.off("save");
  expect(heard).toEqual([{ by: "ana", sinceMs: 5, rate }]);
});

it("is told in words, without what the handler cannot keep", () => {
  const text = (summary: Partial<HandlerSummary>) => slowStartText(summary as HandlerSummary);
  expect(text({ slowStart: words, kind: "durable" })).toBe(
    "begins slowly, as ana has it: at most 20 messages a second in each replica; only the first 10 messages of all replicas, 4 left, then it is off again",
  );
  expect(text({ slowStart: { by: "ana", sinceMs: 5, rate }, kind: "request" })).toBeUndefined();
  expect(text({ kind: "durable" })).toBeUndefined();
});
