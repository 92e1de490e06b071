import { describe, expect, it } from "vitest";
import type { ReportedHandler, StatusReply } from "../../../runtime/control/control-protocol.ts";
import { summarize } from "../../../runtime/control/summary.ts";

const idle: ReportedHandler = {
  name: "save",
  file: "handlers/save.ts",
  state: "serving",
  kind: "event",
  subject: "a.b",
  version: "aaaa",
  inFlight: 0,
  queued: 0,
  handled: 0,
  failed: 0,
  p50Ms: 0,
  p99Ms: 0,
  durations: [],
  reloads: 0,
  restarts: 0,
  pids: [],
};

function replies(...handlers: Partial<ReportedHandler>[]): StatusReply[] {
  return handlers.map((handler, at) => {
    const replica = { instance: `r${at}`, host: "h", pid: at, startedAtMs: 0 };
    return { replica, handlers: [{ ...idle, ...handler }] };
  });
}

describe("a handler over its replicas", () => {
  it("has the sums of their counts, and percentiles of all deliveries together", () => {
    const fast = { handled: 99, inFlight: 1, memoryBytes: 10, durations: [99] };
    const slow = { handled: 1, failed: 2, inFlight: 2, durations: [0, 0, 0, 1] };
    const [summary] = summarize(replies(fast, slow), new Map([["save", 7]]));
    expect(summary).toMatchObject({ handled: 100, failed: 2, inFlight: 3, memoryBytes: 10, pending: 7 });
    expect(summary).toMatchObject({ p50Ms: 0.1, p99Ms: 0.1 });
    expect(summarize(replies({ durations: [98] }, slow))[0]?.p99Ms).toBe(1);
  });

  it("is in the worst of their states, with how many are", () => {
    expect(summarize(replies({}, { state: "failed" }, { state: "disabled" }))[0]).toMatchObject({
      state: "failed",
      inState: 1,
    });
  });

  it("serves where some replicas have no process for it just now", () => {
    expect(summarize(replies({}, { state: "idle" }))[0]).toMatchObject({ state: "serving", inState: 2 });
  });

  it("tells its versions, the commonest first", () => {
    const [summary] = summarize(replies({}, { version: "bbbb" }, { version: "bbbb" }));
    expect(summary?.versions).toEqual([
      { version: "bbbb", replicas: 2 },
      { version: "aaaa", replicas: 1 },
    ]);
  });

  it("is sorted by name", () => {
    expect(summarize(replies({ name: "b" }, { name: "a" })).map(({ name }) => name)).toEqual(["a", "b"]);
  });
});
