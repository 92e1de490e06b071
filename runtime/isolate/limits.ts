// Memory a worker may use, beyond what V8 watches itself: Buffers do not count against the heap limit
// (nodejs/node#47224), so the resident memory is watched from outside.

import { writeFileSync } from "node:fs";

/** Code, stacks and V8's own structures of a worker that has not done anything yet, with room to spare. */
const OVERHEAD_MIB = 128;

/** Between two looks at what the workers use: at those that are silent, and at all of them every so many times. */
export const USAGE_CHECK_MS = 100;
export const CHECK_ALL_EVERY = 3;

/** What a worker with this heap limit may have resident, in bytes. */
export function residentLimitBytes(memoryMiB: number): number {
  return (memoryMiB + OVERHEAD_MIB) * 1024 ** 2;
}

/** When the machine runs out of memory the kernel is to take a worker, not the supervisor (proc(5), oom_score_adj). */
export function offerToOutOfMemoryKiller(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "500");
  } catch {
    // Not Linux, or not allowed: the kernel chooses by size alone, and workers are what grows.
  }
}
