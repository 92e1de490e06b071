// What a process uses, as Linux tells it (proc(5), stat). Elsewhere nothing is known.

import { readFileSync } from "node:fs";

export interface ProcessUsage {
  /** Resident. */
  readonly memoryBytes: number;
  /** User and system time of all its threads, since it started. */
  readonly cpuSeconds: number;
}

const PAGE_BYTES = 4_096;
/** Of every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Undefined elsewhere than on Linux, and of a process that has ended. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    const fields = statFields(pid);
    const [user, system, pages] = [fields[11], fields[12], fields[21]].map(Number);
    if (user === undefined || system === undefined || pages === undefined) return undefined;
    return { memoryBytes: pages * PAGE_BYTES, cpuSeconds: (user + system) / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/** From the third on (proc(5), stat): what comes before them is a name that may hold anything. Throws where there are none. */
export function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
