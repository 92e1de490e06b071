// The share of a worker when there are not enough cores for all.

import { readdirSync } from "node:fs";
import { setPriority } from "node:os";

/** About a tenth of what others get (sched(7)). Not less: a handler that has to compute for long is to end some day. */
const YIELDING = 10;

/** From now on the process gets out of the way of others. Without privileges there is no way back: a new process is. */
export function yieldToOthers(pid: number): void {
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, YIELDING);
    } catch {
      // It has ended, or we may not: it goes on as it was.
    }
  }
}

/** Linux keeps a priority for each thread (setpriority(2)), and a full heap is collected by several. */
function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}
