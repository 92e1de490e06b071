// The last thing that went wrong with each handler, picked from the log: a failed delivery, a lost worker, a bad save.

import type { LogLine, ReportedError } from "./control-protocol.ts";

export interface LastError extends ReportedError {
  readonly atMs: number;
}

export class LastErrors {
  private readonly errors = new Map<string, LastError>();

  /** Lines that tell of no error, or of no handler, change nothing. */
  add({ handler, level, text, timeMs, fields = {} }: Omit<LogLine, "replica">): void {
    const { code, place, frame, remedy } = fields;
    if (handler === undefined || handler === "" || level !== "error" || typeof code !== "string") return;
    const texts = Object.entries({ place, frame, remedy }).filter(([, value]) => typeof value === "string");
    this.errors.set(handler, { code, message: text, atMs: timeMs, ...Object.fromEntries(texts) });
  }

  of(handler: string): LastError | undefined {
    return this.errors.get(handler);
  }
}
