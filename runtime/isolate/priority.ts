// The share of a worker when there are not enough cores for all.

import { readdirSync, writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** About a tenth of what others get (sched(7)). Not less: a handler that has to compute for long is to end some day. */
const YIELDING = 10;

const LOWEST = 19;

/** From now on the process gets out of the way of others. Without privileges there is no way back: a new process is. */
export function yieldToOthers(pid: number): void {
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, Math.min(getPriority() + YIELDING, LOWEST));
    } catch {
      // It has ended, or we may not: it goes on as it was.
    }
  }
  yieldAsGroup(pid);
}

/** Where the kernel shares cores between sessions, and a worker is one, priorities count only within it (sched(7), autogroup). */
function yieldAsGroup(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(YIELDING));
  } catch {
    // No such kernel, or we may not.
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
