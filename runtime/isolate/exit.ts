// What the end of a worker process means.

import type { WorkerExit } from "../message/outcome.ts";

/** What V8 and the inspector print beside the line that tells what happened. */
const NOISE = /^(\s*\d+: 0x[0-9a-f]+ |----- Native stack trace|<--- (Last few GCs|JS stacktrace)|\[\d+:0x[0-9a-f]+\] )/;

export function isNoise(line: string): boolean {
  return NOISE.test(line);
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly startError: string | undefined;
  /** Why we ended it, where that was not asked of its handle. */
  readonly because?: string;
}

/** V8 has no exit code of its own for a full heap: it says so on stderr and aborts. */
const HEAP_EXHAUSTED = /FATAL ERROR:.*(heap out of memory|Allocation failed|invalid (array|table) (length|size))/;

export const OVER_MEMORY = "it held more memory than it may";
export const OVER_MEMORY_WITH_OTHERS = "it and the processes it had started held more memory than it may";

export function describeExit(
  end: ProcessEnd,
  killedBecause: string | undefined,
  lastOutput: readonly string[],
): WorkerExit {
  const because = killedBecause ?? end.because;
  const lines = end.startError === undefined ? [...lastOutput] : [`could not start: ${end.startError}`];
  return {
    code: end.code,
    signal: end.signal,
    killedBecause: because,
    outOfMemory: isOverMemory(because) || (end.signal === "SIGABRT" && lines.some((line) => HEAP_EXHAUSTED.test(line))),
    lastOutput: lines,
  };
}

function isOverMemory(because: string | undefined): boolean {
  return because === OVER_MEMORY || because === OVER_MEMORY_WITH_OTHERS;
}

/** "ran out of memory", "was killed by SIGKILL", "ended with exit code 3". */
export function explainExit(exit: WorkerExit): string {
  if (exit.dueTo === "others") return "was ended by another handler of its group";
  if (exit.killedBecause === OVER_MEMORY_WITH_OTHERS) return "ran out of memory, with the processes it had started";
  if (exit.outOfMemory) return "ran out of memory";
  if (exit.killedBecause !== undefined) return `was killed: ${exit.killedBecause}`;
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  return exit.code === null ? "did not start" : `ended with exit code ${exit.code}`;
}
