// What is told when lines were lost on their way to the log.

import type { RuntimeEvent } from "../events.ts";

/** "dropped 1234 lines of its stdout: ...". */
export function droppedOutput({ count, stream }: Extract<RuntimeEvent, { type: "handler.output-dropped" }>): string {
  return `dropped ${lines(count)} of its ${stream}: it prints faster than 5000 lines a second`;
}

/** The reader of the log has not read for so long, and reads again. */
export function droppedLog(count: number, stoodStillMs: number): string {
  return `the log was not read for ${Math.round(stoodStillMs)} ms: ${lines(count)} of it were dropped`;
}

function lines(count: number): string {
  return count === 1 ? "1 line" : `${count} lines`;
}
