import { describe, expect, it } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { LogLevel, RuntimeEvent } from "../../../runtime/events.ts";
import { levelOf, textOf } from "../../../runtime/observe/event-rows.ts";
import { isTold } from "../../../runtime/observe/log-level.ts";
import { createDevLog } from "../../../runtime/observe/log-terminal.ts";
import { paintFor, plain } from "../../../runtime/terminal/paint.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const show = (event: RuntimeEvent, level: LogLevel = "info") =>
  isTold(levelOf(event), level) ? textOf(event, { paint: plain, columns: 80, nameWidth: 9 }) : undefined;

const serving = (why: "start" | "reload" | "restart" | "wake", handler = "todo/save") =>
  ({
    type: "handler.serving",
    handler,
    kind: "event",
    subject: "todo.newitem",
    version: "abc",
    why,
    durationMs: 12.4,
  }) as const;

const broken = new RuntimeError("BUNDLE_FAILED", 'handler "todo/save" does not build: Expected ";"', {
  handler: "todo/save",
  place: { file: "handlers/todo/save.ts", line: 3, column: 7 },
  frame: "> 3 | const a b\n    |         ^",
  remedy: "Save the file again.",
});

describe("the live log", () => {
  it("has a line for each handler that serves, with kind, subject and milliseconds", () => {
    expect(show(serving("start"))).toBe("✓ todo/save  event    todo.newitem      12 ms");
    expect(show(serving("reload"))).toBe("↻ todo/save  event    todo.newitem      reloaded in 12 ms");
    expect(show(serving("restart"))).toContain("restarted in 12 ms");
  });

  it("shows a failed save with place, frame, remedy and the version that goes on serving", () => {
    const event = { type: "handler.failed", handler: "todo/save", error: broken, serving: "0123456789ab" } as const;
    expect(show(event)?.split("\n")).toEqual([
      '✗ todo/save  BUNDLE_FAILED: does not build: Expected ";"',
      "    handlers/todo/save.ts:3:7",
      "    > 3 | const a b",
      "        |         ^",
      "    Save the file again.",
      "    version 01234567 goes on serving",
    ]);
  });

  it("shows what is wrong with no handler in particular without a name", () => {
    const error = new RuntimeError("HANDLERS_DIR_MISSING", "there is no folder handlers/");
    const text = show({ type: "handler.failed", handler: "", error, serving: undefined });
    expect(text).toBe("✗ HANDLERS_DIR_MISSING: there is no folder handlers/");
  });

  it("keeps errors inside the window: prose is wrapped, frames are cut", () => {
    const frame = `> 1 | const a b${" ".repeat(100)}c\n    |         ^`;
    const error = new RuntimeError("HANDLER_THREW", "word ".repeat(60), { place: { file: "a.ts" }, frame });
    const lines = show({ type: "handler.failed", handler: "todo/save", error, serving: undefined })?.split("\n") ?? [];
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it("says of a failed delivery where it failed, which attempt it was and what became of the message", () => {
    const error = new RuntimeError("HANDLER_THREW", 'handler "a" failed on "x": boom', {
      place: { file: "a.ts", line: 1 },
    });
    const event = {
      type: "delivery.failed",
      handler: "a",
      version: "1",
      traceId: undefined,
      subject: "x",
      id: "1",
      attempt: 2,
      outcome: "threw",
      error,
      settled: "will be retried in 1000 ms",
    } as const;
    const text = '✗ a  HANDLER_THREW: failed on "x": boom\n    a.ts:1\n    → attempt 2, will be retried in 1000 ms';
    expect(show(event)).toBe(text);
  });

  it("tags what handlers log and print with their name; info without a word, the rest with its level", () => {
    const line = { handler: "todo/save", version: "1", messageId: "7", attempt: 1 };
    const log = (level: LogLevel, fields?: Record<string, unknown>) =>
      show({ type: "handler.log", ...line, level, message: "saw it", fields }, "trace");
    expect(log("info", { id: 1 })).toBe('  todo/save │ saw it {"id":1}');
    expect(log("warn")).toBe("  todo/save │ WARN saw it");
    expect(log("error", { err: { name: "Error", message: "no", stack: "Error: no\n    at a.ts:1:1" } })).toBe(
      "  todo/save │ ERROR saw it \n    Error: no\n        at a.ts:1:1",
    );
    const printed = { type: "handler.output", handler: "a", version: "1", stream: "stderr", line: "printed" } as const;
    expect(show(printed)).toBe("  a         │ printed");
    const dropped = { type: "handler.output-dropped", handler: "a", version: "1", stream: "stderr", count: 1 } as const;
    expect(show(dropped)).toMatch(/^! a {8} {2,}dropped 1 line of its stderr: it prints faster than/);
  });

  it("names the handler of a lost worker once, and says what comes next", () => {
    const error = new RuntimeError("WORKER_CRASHED", 'the worker of handler "a" ended with exit code 3');
    const event = { type: "worker.exited", handler: "a", pid: 1, version: "1", expected: false, error } as const;
    const first = "✗ a  WORKER_CRASHED: its worker ended with exit code 3\n";
    expect(show({ ...event, inFlight: 0, restartInMs: 0 })).toBe(`${first}    → restarting now`);
    expect(show({ ...event, inFlight: 2, restartInMs: 1_500 })).toBe(
      `${first}    → 2 messages waiting; restarting in 1.5 s`,
    );
  });

  it("bounds long fields, and says so", () => {
    const fields = { text: "x".repeat(5_000) };
    const line = { handler: "a", version: "1", messageId: undefined, attempt: undefined, message: "m" };
    const text = show({ type: "handler.log", level: "info", ...line, fields }) ?? "";
    expect(text.length).toBeLessThan(1_100);
    expect(text).toContain("… (5011 characters)");
  });

  it("keeps states, bindings and waking to those who ask for debug", () => {
    const state = { type: "handler.state", handler: "a", from: "starting", to: "serving" } as const;
    const bound = { type: "handler.bound", handler: "a", kind: "event", subject: "x" } as const;
    for (const event of [state, bound, serving("wake")]) {
      expect(show(event)).toBeUndefined();
      expect(show(event, "debug")).toBeDefined();
    }
    expect(show(serving("start"), "error")).toBeUndefined();
  });

  it("names at the end what had not ended", () => {
    expect(show({ type: "runtime.stopped", unfinished: [] })).toBe("stopped");
    expect(show({ type: "runtime.stopped", unfinished: ["a: x"] })).toBe("stopped before these had ended:\n    a: x");
  });
});

describe("the writer of the live log", () => {
  function createLog() {
    const written: string[] = [];
    const clock = fakeClock();
    const write = (text: string) => void written.push(text);
    const emit = createDevLog({
      paint: plain,
      columns: () => 80,
      level: () => "info",
      nowMs: clock.monotonicMs,
      write,
    });
    return { written, clock, emit };
  }

  it("aligns the names of the handlers that were found", () => {
    const { written, emit } = createLog();
    for (const handler of ["a", "much/longer"]) emit({ type: "handler.discovered", handler, file: "f" });
    emit(serving("start", "a"));
    expect(written).toEqual(["✓ a            event    todo.newitem      12 ms\n"]);
  });

  it("tells the same failure once for one save, and again for the next", () => {
    const { written, clock, emit } = createLog();
    const event = { type: "handler.failed", handler: "todo/save", error: broken, serving: undefined } as const;
    emit(event);
    clock.advance(100);
    emit(event);
    expect(written).toHaveLength(1);
    clock.advance(1_000);
    emit(event);
    expect(written).toHaveLength(2);
    emit(serving("reload"));
    emit(event);
    expect(written).toHaveLength(4);
  });
});

describe("colours", () => {
  it("are for terminals; NO_COLOR takes them away, FORCE_COLOR brings them", () => {
    const isColoured = (isTerminal: boolean, env: Record<string, string>) =>
      paintFor(isTerminal, env)("red", "x") !== "x";
    expect(isColoured(true, {})).toBe(true);
    expect(isColoured(false, {})).toBe(false);
    expect(isColoured(true, { NO_COLOR: "1" })).toBe(false);
    expect(isColoured(true, { TERM: "dumb" })).toBe(false);
    expect(isColoured(false, { FORCE_COLOR: "1" })).toBe(true);
    expect(isColoured(true, { FORCE_COLOR: "1", NO_COLOR: "1" })).toBe(false);
  });
});
