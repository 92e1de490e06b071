// Warm workers: booted, with the sdk and the schema library loaded, waiting to be told which handler they are.
//
// L1  Every worker ever started is known here until it has ended, and the reaper knows it too.
// L2  A warm worker that dies is replaced after a growing delay: a machine without memory gets no storm of processes.
// L3  After a worker has died through its own doing, those that come up let others go first, and those that are taken do
//     so until they have finished a message: what dies is likely to die again, and its neighbours are not to pay for it.
//     For the same reason only half as many are kept warm then: the others come up once nothing has died for a while.

import type { Clock, Timer } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { CpuShortage } from "./cpu-shortage.ts";
import { CHECK_ALL_EVERY, offerToOutOfMemoryKiller, USAGE_CHECK_MS } from "./limits.ts";
import { catchUpOnce, yieldToOthers } from "./priority.ts";
import { ProcessStarter } from "./process-starter.ts";
import type { Reaper } from "./reaper.ts";
import { SharedProcess } from "./shared-process.ts";
import { StartedOthers } from "./started-others.ts";
import { endAll } from "./started-process.ts";
import { WorkerProcess } from "./worker-process.ts";
import type { WorkerSource } from "./worker-source.ts";
import { workerStart } from "./worker-start.ts";

export interface PoolOptions {
  /** How many to start at once. */
  readonly first: number;
  /** Heap limit of the warm ones. A worker with another limit is started on demand. */
  readonly memoryMiB: number;
  readonly env: Readonly<Record<string, string>>;
  /** Path of the program that workers run. */
  readonly entry: string;
  readonly preload: readonly string[];
  /** Its workers get out of the way of other processes, from their start on. */
  readonly yields?: boolean | undefined;
  readonly reaper: Reaper;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** A new generation is loading just after one was taken: starting a process then would slow it down. */
const REFILL_DELAY_MS = 50;
const FAULT_ECHO_MS = 5_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export class WorkerPool implements WorkerSource {
  private readonly options: PoolOptions;
  private readonly warm: Promise<WorkerProcess>[] = [];
  private readonly all = new Set<WorkerProcess>();
  private readonly starting = new Set<Promise<WorkerProcess>>();
  private readonly cpuShortage: CpuShortage;
  private readonly usageWatch: Timer;
  private readonly starter: ProcessStarter;
  private readonly startedOthers = new StartedOthers();
  private refillTimer: Timer | undefined;
  private refillDueMs = Number.POSITIVE_INFINITY;
  private lastFaultMs = Number.NEGATIVE_INFINITY;
  private retryMs = FIRST_RETRY_MS;
  private wanted: number;
  private open = true;

  constructor(options: PoolOptions) {
    this.options = options;
    this.wanted = options.first;
    this.cpuShortage = new CpuShortage(options.clock);
    this.starter = new ProcessStarter(options);
    let looks = 0;
    this.usageWatch = options.clock.every(USAGE_CHECK_MS, () => this.look(looks++ % CHECK_ALL_EVERY === 0));
    this.refill();
    this.wanted = 0;
  }

  /**
   * From now on have `size` ready. Until then what is taken is not replaced: it would slow down those that come up; and
   * the supervisor, which is still small, starts them itself. Call once.
   */
  keepWarm(size: number): void {
    this.wanted = size;
    for (const spare of this.warm.splice(size)) void spare.then((worker) => worker.terminate());
    this.starter.startForkServer();
    this.refillSoon(REFILL_DELAY_MS);
  }

  /** Processes alive, warm ones included. */
  get size(): number {
    return this.all.size;
  }

  /** A worker that has booted. Rejects with WORKER_CRASHED when it cannot. The caller ends it. */
  async take(memoryMiB: number): Promise<WorkerProcess> {
    const warm = memoryMiB === this.options.memoryMiB ? this.warm.shift() : undefined;
    this.refillSoon(REFILL_DELAY_MS);
    const worker = await (warm ?? this.spawn(memoryMiB));
    await worker.booted;
    if (this.isAfterFault) worker.putOnProbation();
    return worker;
  }

  /** A process that several handlers are to share, as `take`. It ends by itself with the last of them. */
  async share(memoryMiB: number): Promise<SharedProcess> {
    return new SharedProcess(await this.take(memoryMiB), this.options.clock);
  }

  /** Kill every worker, taken or not. Resolves when all have ended. */
  async close(): Promise<void> {
    this.open = false;
    this.refillTimer?.cancel();
    this.usageWatch.cancel();
    await Promise.all(this.starting);
    for (const worker of this.all) worker.terminate();
    await Promise.all([...this.all].map((worker) => worker.exited));
    await this.starter.close();
  }

  /** At what they use: at those that are silent, or at all of them and what they have started. */
  private look(atAll: boolean): void {
    this.cpuShortage.look([...this.all].filter((worker) => worker.hadWork()).length);
    if (atAll) this.startedOthers.look(new Set([...this.all].map(({ pid }) => pid)));
    for (const worker of this.all) {
      if (!atAll && !worker.isSilent) continue;
      const isKept = worker.checkUsage(this.startedOthers.bytesOf(worker.pid));
      if (!isKept) endAll(this.startedOthers.of(worker.pid));
    }
  }

  /** L3. */
  private get isAfterFault(): boolean {
    return this.options.clock.monotonicMs() - this.lastFaultMs < FAULT_ECHO_MS;
  }

  private refillSoon(afterMs: number): void {
    const { clock } = this.options;
    const dueMs = clock.monotonicMs() + afterMs;
    if (!this.open || this.refillDueMs <= dueMs) return;
    this.refillDueMs = dueMs;
    this.refillTimer?.cancel();
    this.refillTimer = clock.after(afterMs, () => {
      this.refillDueMs = Number.POSITIVE_INFINITY;
      this.refill();
    });
  }

  private refill(): void {
    const wanted = this.isAfterFault ? Math.ceil(this.wanted / 2) : this.wanted; // L3
    if (wanted < this.wanted) this.refillSoon(FAULT_ECHO_MS);
    while (this.open && this.warm.length < wanted) {
      const warm = this.spawn(this.options.memoryMiB);
      this.warm.push(warm);
      void warm.then((worker) => this.watch(worker, warm));
    }
  }

  private watch(worker: WorkerProcess, warm: Promise<WorkerProcess>): void {
    worker.booted.then(
      () => {
        this.retryMs = FIRST_RETRY_MS;
      },
      (error) => {
        if (this.open) this.options.emit({ type: "runtime.notice", level: "error", message: describeError(error) });
      },
    );
    worker.exited.then(() => {
      const at = this.warm.indexOf(warm);
      if (at === -1) return;
      this.warm.splice(at, 1);
      this.refillSoon(this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    });
  }

  private spawn(memoryMiB: number): Promise<WorkerProcess> {
    const spawned = this.spawnTracked(memoryMiB);
    this.starting.add(spawned);
    void spawned.then(() => this.starting.delete(spawned));
    return spawned;
  }

  private async spawnTracked(memoryMiB: number): Promise<WorkerProcess> {
    const { env, clock, reaper, yields = false } = this.options;
    const behindOthers = yields || this.isAfterFault;
    const start = { ...workerStart(this.options, memoryMiB, env), behindOthers };
    const started = await this.starter.start(start);
    const worker = new WorkerProcess(started, memoryMiB, clock, this.cpuShortage);
    if (yields) yieldToOthers(worker.pid);
    else if (behindOthers) catchUpOnce(worker.booted, worker.pid, clock);
    this.all.add(worker);
    reaper.track(worker.pid, "kill");
    offerToOutOfMemoryKiller(worker.pid);
    worker.exited.then(() => {
      reaper.untrack(worker.pid);
      this.all.delete(worker);
      if (worker.isAtFault) this.lastFaultMs = clock.monotonicMs();
    });
    return worker;
  }
}
