// Which processes there are, as Linux tells it (proc(5)). Elsewhere there are none.

import { readdirSync, readFileSync } from "node:fs";
import { statFields } from "../process-usage.ts";

export interface ProcessTable {
  pids(): readonly number[];
  /** Undefined of one that has ended. */
  kinship(pid: number): Kinship | undefined;
  /** What it holds for itself: pages of its program's file, which others share, are left out. */
  ownMemoryBytes(pid: number): number;
}

export interface Kinship {
  readonly parent: number;
  readonly session: number;
  /** Tells it from another that gets its id later. */
  readonly startedAt: string;
}

const PAGE_BYTES = 4_096;

export const systemProcesses: ProcessTable = {
  pids() {
    try {
      return readdirSync("/proc")
        .map(Number)
        .filter((pid) => pid > 0);
    } catch {
      return [];
    }
  },
  kinship(pid) {
    try {
      const fields = statFields(pid);
      return { parent: Number(fields[1]), session: Number(fields[3]), startedAt: fields[19] ?? "" };
    } catch {
      return undefined;
    }
  },
  ownMemoryBytes(pid) {
    try {
      const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ").map(Number);
      return (resident - shared) * PAGE_BYTES;
    } catch {
      return 0;
    }
  },
};
