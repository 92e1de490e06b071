// Ctrl-C ends a command that would go on for ever: an orderly end, not a failure.

import { delay, systemClock } from "../clock.ts";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Resolves after `delayMs` milliseconds, or when interrupted. */
  delay(delayMs: number): Promise<void>;
}

export function untilInterrupted(): Interrupt {
  const ending = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => ending.abort());
  return { signal: ending.signal, delay: (delayMs) => delay(systemClock, Math.max(0, delayMs), ending.signal) };
}
