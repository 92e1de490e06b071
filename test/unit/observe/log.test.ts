import { describe, expect, it } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { LogLevel, RuntimeEvent } from "../../../runtime/events.ts";
import { createJsonLog } from "../../../runtime/observe/log.ts";
import { type Threshold, thresholdOf } from "../../../runtime/observe/log-level.ts";

function log(level: LogLevel, ...events: RuntimeEvent[]): Record<string, unknown>[] {
  return logBy(() => level, ...events);
}

function logBy(level: Threshold, ...events: RuntimeEvent[]): Record<string, unknown>[] {
  const lines: string[] = [];
  const emit = createJsonLog({
    level,
    app: "todo",
    destination: { write: (line) => void lines.push(line) },
  });
  for (const event of events) emit(event);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const handlerLog = (fields: Record<string, unknown> | undefined, level: LogLevel = "info") =>
  ({
    type: "handler.log",
    handler: "todo/save",
    version: "abc",
    level,
    message: "saved",
    fields,
    messageId: "7",
    attempt: 2,
  }) as const;

describe("the JSON log", () => {
  it("writes one line for each event, with level, time, app and what it is about", () => {
    const [line] = log("info", handlerLog({ id: 1 }));
    expect(line).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      app: "todo",
      msg: "saved",
      event: "handler.log",
      handler: "todo/save",
      version: "abc",
      messageId: "7",
      attempt: 2,
      id: 1,
    });
  });

  it("keeps an author's fields whose names are taken apart, so that nobody can forge a line", () => {
    const [line] = log("info", handlerLog({ level: "fatal", handler: "other", id: 1 }));
    expect(line).toMatchObject({
      level: "info",
      handler: "todo/save",
      id: 1,
      fields: { level: "fatal", handler: "other" },
    });
  });

  it("leaves out what is below its level", () => {
    const found = { type: "handler.discovered", handler: "a", file: "a.ts" } as const;
    expect(log("info", found, handlerLog(undefined, "debug"))).toEqual([]);
    expect(log("debug", found, handlerLog(undefined, "debug"))).toHaveLength(2);
    expect(log("error", handlerLog(undefined, "warn"))).toEqual([]);
  });

  it("is as loud for each handler as is wanted of it, and of several wishes that fit the last holds", () => {
    const quiet = { type: "handler.discovered", handler: "todo/save", file: "a.ts" } as const;
    const other = { type: "handler.enabled", handler: "audit" } as const;
    const own = { type: "runtime.notice", level: "info", message: "ours" } as const;
    const wishes = [
      { pattern: "todo/*", level: "debug" },
      { pattern: "todo/list", level: "fatal" },
    ] as const;
    const told = logBy(thresholdOf("warn", wishes), quiet, other, own, { ...quiet, handler: "todo/list" });
    expect(told).toMatchObject([{ handler: "todo/save", event: "handler.discovered" }]);
    expect(logBy(thresholdOf("info", []), quiet, other, own)).toHaveLength(2);
  });

  it("tells of a failed delivery its code, place, version, message id, trace and what became of it", () => {
    const place = { file: "handlers/a.ts", line: 3, column: 1 };
    const error = new RuntimeError("HANDLER_THREW", "boom", { handler: "a", place, stack: "Error: boom\n    at a" });
    const [line] = log("info", {
      type: "delivery.failed",
      handler: "a",
      version: "abc",
      subject: "x.y",
      id: "7",
      attempt: 1,
      traceId: "0af7651916cd43dd8448eb211c80319c",
      outcome: "threw",
      error,
      settled: "dropped",
    });
    expect(line).toMatchObject({
      level: "error",
      event: "delivery.failed",
      msg: "boom",
      code: "HANDLER_THREW",
      place: "handlers/a.ts:3:1",
      handler: "a",
      version: "abc",
      subject: "x.y",
      messageId: "7",
      attempt: 1,
      traceId: "0af7651916cd43dd8448eb211c80319c",
      outcome: "threw",
      settled: "dropped",
      stack: "Error: boom\n    at a",
    });
  });

  it("warns of stderr and of dropped messages, and takes a dead worker for an error", () => {
    const output = { type: "handler.output", handler: "a", version: "1", stream: "stderr", line: "oh" } as const;
    const dropped = { type: "delivery.dropped", handler: "a", count: 3, why: "the queue is full" } as const;
    const error = new RuntimeError("WORKER_CRASHED", "ended with SIGSEGV");
    const exited = {
      type: "worker.exited",
      handler: "a",
      pid: 1,
      version: "1",
      expected: false,
      error,
      inFlight: 0,
      restartInMs: 0,
    } as const;
    expect(log("info", output, dropped, exited).map(({ level }) => level)).toEqual(["warn", "warn", "error"]);
  });

  it("says how many printed lines were dropped, and whose they were", () => {
    const dropped = {
      type: "handler.output-dropped",
      handler: "a",
      version: "1",
      stream: "stdout",
      count: 23,
    } as const;
    expect(log("warn", dropped)).toMatchObject([
      { level: "warn", event: "handler.output-dropped", handler: "a", stream: "stdout", count: 23 },
    ]);
    expect(log("warn", dropped)[0]?.msg).toBe(
      "dropped 23 lines of its stdout: it prints faster than 5000 lines a second",
    );
  });
});
