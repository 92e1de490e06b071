// The processes that workers have started: what they hold counts against the worker's memory, and they end with a worker
// that is killed for it.
//
// A process belongs to a worker when it is in its session, or when its parent belongs to it; what has belonged to it once
// goes on doing so, also when its parent is gone. Each is looked up once: a look reads the list of processes, and the
// memory of those that belong to somebody.

import { type ProcessTable, systemProcesses } from "./process-table.ts";

interface Known {
  /** Undefined: it has nothing to do with us. */
  readonly worker: number | undefined;
  readonly startedAt: string;
}

const FOREIGN: Known = { worker: undefined, startedAt: "" };

export class StartedOthers {
  private readonly table: ProcessTable;
  private known = new Map<number, Known>();
  private bytes = new Map<number, number>();

  constructor(table: ProcessTable = systemProcesses) {
    this.table = table;
  }

  /** `workers`: ids of those that live. */
  look(workers: ReadonlySet<number>): void {
    const known = new Map<number, Known>();
    const bytes = new Map<number, number>();
    for (const pid of this.table.pids()) {
      if (workers.has(pid)) continue;
      const found = this.known.get(pid) ?? this.lookUp(pid, workers, known);
      known.set(pid, found);
      const { worker } = found;
      if (worker === undefined || !workers.has(worker)) continue;
      bytes.set(worker, (bytes.get(worker) ?? 0) + this.table.ownMemoryBytes(pid));
    }
    this.known = known;
    this.bytes = bytes;
  }

  /** What those of this worker held when they were last looked at. */
  bytesOf(worker: number): number {
    return this.bytes.get(worker) ?? 0;
  }

  /** Those of this worker that are still there. */
  of(worker: number): number[] {
    const belonging = [...this.known].filter(([, known]) => known.worker === worker);
    // Ids are given out again: the one that is there now must be the one that was looked at.
    return belonging
      .filter(([pid, { startedAt }]) => this.table.kinship(pid)?.startedAt === startedAt)
      .map(([pid]) => pid);
  }

  private lookUp(pid: number, workers: ReadonlySet<number>, now: ReadonlyMap<number, Known>): Known {
    const kin = this.table.kinship(pid);
    if (kin === undefined) return FOREIGN;
    const { parent, session, startedAt } = kin;
    const worker =
      [session, parent].find((id) => workers.has(id)) ?? (now.get(parent) ?? this.known.get(parent))?.worker;
    return worker === undefined ? FOREIGN : { worker, startedAt };
  }
}
