// A line of `ctx.log`, as it crosses from the worker to the supervisor.

export type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** What a log line carries across. */
export interface LogRecord {
  readonly level: Level;
  readonly message: string;
  readonly fields?: Record<string, unknown>;
  readonly id?: string;
  readonly attempt?: number;
  /** Of the message's W3C trace context. */
  readonly traceId?: string;
}
