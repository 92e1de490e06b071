import { describe, expect, it } from "vitest";
import { statusLines, titleOf } from "../../../runtime/cli/status-screen.ts";
import type { ReportedHandler, StatusReply } from "../../../runtime/control/control-protocol.ts";
import { summarize } from "../../../runtime/control/summary.ts";
import { columnLines } from "../../../runtime/terminal/columns.ts";
import { plain } from "../../../runtime/terminal/paint.ts";
import type { Output } from "../../../runtime/terminal/terminal.ts";

const wide: ReportedHandler = {
  name: "billing/invoices/create",
  file: "handlers/billing/invoices/create.ts",
  state: "serving",
  kind: "durable",
  subject: "billing.invoices.requested",
  version: "0123456789ab",
  inFlight: 12,
  queued: 34,
  handled: 1_234_567,
  failed: 89,
  p50Ms: 12.8,
  p99Ms: 1638.4,
  durations: [],
  reloads: 1,
  restarts: 2,
  pids: [1],
  memoryBytes: 90 * 1024 ** 2,
};

const NOW = new Date(2030, 0, 31, 12, 0, 0).getTime();
const replica = { instance: "a1b2c3d4", host: "h", pid: 1, startedAtMs: 0 };

function screen(columns: number, ...handlers: Partial<ReportedHandler>[]): string[] {
  const replies: StatusReply[] = handlers.map((handler, at) => {
    return { replica: { ...replica, instance: `r${at}` }, handlers: [{ ...wide, ...handler }] };
  });
  const out: Output = { isTerminal: true, columns, paint: plain, write: () => undefined };
  const summaries = summarize(replies, new Map([["billing/invoices/create", 56]]));
  return statusLines({ title: titleOf("shop", replies, summaries), summaries, nowMs: NOW }, out);
}

describe("handlers status", () => {
  it("shows everything where there is room", () => {
    const [title, , heading, row] = screen(200, {});
    expect(title).toBe("shop · 1 replica · 1 handler");
    expect(heading?.trim().split(/\s+/)).toEqual(
      "NAME STATE KIND SUBJECT VERSION FLIGHT QUEUED PENDING HANDLED FAILED P50 P99 RESTARTS MEMORY".split(" "),
    );
    expect(row).toMatch(
      /✓ billing\/invoices\/create {2}serving {2}durable .* 01234567 +12 +34 +56 +1\.2M +89 .* 90MiB$/,
    );
  });

  it.each([80, 60])("fits %d columns: what tells least goes first", (columns) => {
    const reason = "it writes every invoice twice since the last deployment";
    const disabled = { source: "operator", by: "ana@host", reason, sinceMs: NOW - 90_000 } as const;
    const lastError = { code: "HANDLER_THREW", message: "x".repeat(300), atMs: NOW - 5_000 };
    const lines = screen(columns, { disabled, state: "disabled" }, { lastError });
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
    expect(lines[2]).toMatch(/NAME.*STATE.*HANDLED.*FAILED/);
  });

  it("says when a handler runs by itself, and that it does not while it is off, in 80 columns", () => {
    const schedule = {
      kind: "cron",
      pattern: "0 5 * * MON-FRI",
      timeZone: "America/Argentina/ComodRivadavia",
    } as const;
    const lines = screen(80, { schedule });
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(lines.slice(4).join(" ").replace(/\s+/g, " ")).toMatch(
      /^ runs at 0 5 \* \* MON-FRI \(America\/Argentina\/ComodRivadavia\), next 2030-02-01 \d\d:00:00, in \d+ h$/,
    );
    const every = { kind: "every", everyMs: 300_000 } as const;
    expect(screen(80, { schedule: every })[4]).toBe("    runs every 5m, next 12:05:00, in 5 min");
    const disabled = { source: "operator", by: "ana@host", reason: "", sinceMs: NOW } as const;
    expect(screen(80, { schedule: every, state: "disabled", disabled })[4]).toBe(
      "    runs every 5m, but not now: disabled",
    );
  });

  it("flags replicas that differ, in state and in version", () => {
    const text = screen(120, {}, { version: "fedcba987654" }, { state: "failed", version: "fedcba987654" }).join("\n");
    expect(text).toContain("1 handler, 1 failed");
    expect(text).toMatch(/✗ billing\/invoices\/create {2}failed 1\/3 .* 2 versions/);
    expect(text).toContain("    runs in 2 versions: fedcba98 (2 replicas), 01234567 (1 replica)");
  });

  it("says who turned a handler off, why, and until when", () => {
    const untilMs = NOW + 7_200_000;
    const disabled = { source: "operator", by: "ana@host", reason: "slow", sinceMs: NOW - 180_000, untilMs } as const;
    const lines = screen(120, { state: "disabled", disabled });
    expect(lines.at(-1)).toBe("    disabled by operator ana@host 3 min ago: slow, until 14:00:00 (in 2 h)");
    const env = { source: "env", by: "env", reason: "", sinceMs: 0 } as const;
    expect(screen(120, { state: "disabled", disabled: env }, {}).at(-1)).toBe(
      "    disabled by env (HANDLERS_DISABLED) (1 of 2 replicas)",
    );
  });

  it("shows what keeps a version from coming up rather than what went wrong before", () => {
    const lastError = { code: "HANDLER_THREW", message: 'handler "billing/invoices/create" failed', atMs: NOW - 5_000 };
    expect(screen(120, { lastError }).at(-1)).toBe("    5 s ago HANDLER_THREW: failed");
    const lastFailure = { code: "BUNDLE_FAILED", message: "does not build", place: "a.ts:1" };
    expect(screen(120, { lastError, lastFailure }).at(-1)).toBe("    BUNDLE_FAILED: does not build (a.ts:1)");
  });
});

describe("columns", () => {
  it("go by their worth, then those that may are cut", () => {
    const columns = [
      { heading: "A", cells: ["a-long-name-indeed"], align: "left", shrinks: true },
      { heading: "B", cells: ["bbb"], align: "right", worth: 2 },
      { heading: "C", cells: ["ccc"], align: "right", worth: 1 },
    ] as const;
    expect(columnLines(columns, 40)[1]).toBe("a-long-name-indeed  bbb  ccc");
    expect(columnLines(columns, 24)[1]).toBe("a-long-name-indeed  bbb");
    expect(columnLines(columns, 12)).toEqual(["A", "a-long-name…"]);
  });
});

it("a worker that was killed is told of without its handler's name, and without a hole in the sentence", () => {
  const message = 'the worker of handler "billing/invoices/create" was ended by SIGKILL';
  const lines = screen(200, { lastError: { code: "WORKER_CRASHED", message, atMs: NOW - 36_000 } });
  expect(lines.at(-1)?.trim()).toBe("36 s ago WORKER_CRASHED: its worker was ended by SIGKILL");
});
