// What the end of a worker process means.

import type { WorkerExit } from "../deliver/outcome.ts";

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly startError: string | undefined;
}

/** V8 has no exit code of its own for a full heap: it says so on stderr and aborts. */
const HEAP_EXHAUSTED = /FATAL ERROR:.*(heap out of memory|Allocation failed|invalid (array|table) (length|size))/;

/** @param overMemory we killed it for holding more memory than it may */
export function describeExit(end: ProcessEnd, overMemory: boolean, lastOutput: readonly string[]): WorkerExit {
  const lines = end.startError === undefined ? [...lastOutput] : [`could not start: ${end.startError}`];
  return {
    code: end.code,
    signal: end.signal,
    outOfMemory: overMemory || (end.signal === "SIGABRT" && lines.some((line) => HEAP_EXHAUSTED.test(line))),
    lastOutput: lines,
  };
}

/** "ran out of memory", "was killed by SIGKILL", "ended with exit code 3". */
export function explainExit(exit: WorkerExit): string {
  if (exit.outOfMemory) return "ran out of memory";
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  return exit.code === null ? "did not start" : `ended with exit code ${exit.code}`;
}
