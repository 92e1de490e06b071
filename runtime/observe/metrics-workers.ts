// What the workers use, as Linux tells it (proc(5), stat). Elsewhere nothing is known.

import { readFileSync } from "node:fs";
import type { HandlerReading } from "./metrics-source.ts";

export interface WorkerUsage {
  /** Undefined where the system does not tell. */
  readonly memoryBytes: number | undefined;
  /** Never goes down, though workers come and go; what one used after the last look before its end is not in it. */
  readonly cpuSeconds: number | undefined;
}

interface ProcessUsage {
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

const PAGE_BYTES = 4_096;
/** Of every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

export class WorkerUsageReader {
  private readonly readProcess: (pid: number) => ProcessUsage | undefined;
  /** By handler: CPU seconds of workers that are gone, and of each that was there at the last look. */
  private seen = new Map<string, { readonly past: number; readonly live: ReadonlyMap<number, number> }>();

  constructor(readProcess: (pid: number) => ProcessUsage | undefined = processUsage) {
    this.readProcess = readProcess;
  }

  read(handlers: readonly HandlerReading[]): Map<string, WorkerUsage> {
    const before = this.seen;
    this.seen = new Map();
    return new Map(handlers.map(({ status: { name, pids } }) => [name, this.readOne(name, pids, before.get(name))]));
  }

  private readOne(
    name: string,
    pids: readonly number[],
    before: { past: number; live: ReadonlyMap<number, number> } = { past: 0, live: new Map() },
  ): WorkerUsage {
    const found = new Map<number, ProcessUsage>();
    for (const pid of pids) {
      const usage = this.readProcess(pid);
      if (usage !== undefined) found.set(pid, usage);
    }
    const gone = [...before.live].filter(([pid]) => !found.has(pid)).map(([, seconds]) => seconds);
    const past = before.past + sum(gone);
    const live = new Map([...found].map(([pid, { cpuSeconds }]) => [pid, cpuSeconds]));
    this.seen.set(name, { past, live });
    if (pids.length > 0 && found.size === 0)
      return { memoryBytes: undefined, cpuSeconds: past === 0 ? undefined : past };
    return {
      memoryBytes: sum([...found.values()].map(({ memoryBytes }) => memoryBytes)),
      cpuSeconds: past + sum([...live.values()]),
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Undefined elsewhere than on Linux, and of a process that has ended. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything; what follows it is numbers, from the third field on.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [user, system, pages] = [fields[11], fields[12], fields[21]].map(Number);
    if (user === undefined || system === undefined || pages === undefined) return undefined;
    return { memoryBytes: pages * PAGE_BYTES, cpuSeconds: (user + system) / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}
