// What the workers of each handler use.

import { type ProcessUsage, processUsage } from "../process-usage.ts";
import type { HandlerReading } from "./metrics-source.ts";

export interface WorkerUsage {
  /** Undefined where the system does not tell. */
  readonly memoryBytes: number | undefined;
  /** Never goes down, though workers come and go; what one used after the last look before its end is not in it. */
  readonly cpuSeconds: number | undefined;
}

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
