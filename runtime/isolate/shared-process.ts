// One process for the handlers of a group. Each of them has a worker in it, which is to that handler what a process of its own
// would be.
//
// H1  A worker has exited when the process has, or when it was let go of: it was stopped, or has said itself that it does not come up.
// H2  The process ends with the last worker that is let go of, and takes none from then on.
// H3  A worker can be killed only with the process, which ends the others too; who answers for that is in shared-end.ts.
// H4  One that is not wanted after all is no reason for that: it is torn down and let go of once it has come up. One that does not
//     come to rest within SETTLE_MS is one, as it may be what the others wait for.

import type { Clock, Timer } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import { NOT_ITS_FAULT, type Outcome, type WorkerExit } from "../message/outcome.ts";
import type { AbortWhy, WorkerEvents } from "../message/worker-port.ts";
import type { LoadedModule, LoadRequest, StartRequest } from "../wire/protocol.ts";
import { BundleFault } from "./bundle-fault.ts";
import { endsOf, type SharedPart } from "./shared-end.ts";
import type { WorkerChannel } from "./worker-channel.ts";
import type { WorkerProcess } from "./worker-process.ts";
import type { GroupMember, HandlerWorker, SharedWorkers, StoppedWorker, WorkerListener } from "./worker-source.ts";

const LET_GO: WorkerExit = { code: 0, signal: null, killedBecause: undefined, outOfMemory: false, lastOutput: [] };
/** For a process in which nothing runs any more, and for a teardown that nobody waits for. */
const END_MS = 1_000;
const SETTLE_MS = 1_000;

export class SharedProcess implements SharedWorkers {
  readonly pid: number;
  private readonly process: WorkerProcess;
  private readonly clock: Clock;
  private readonly workers = new Set<SharedWorker>();
  private isOver = false;

  /** Of a process that has booted and has not been told anything. */
  constructor(process: WorkerProcess, clock: Clock) {
    this.pid = process.pid;
    this.process = process;
    this.clock = clock;
    process.exited.then((exit) => this.ended(exit));
  }

  /** Resolves when it has ended. */
  get exited(): Promise<unknown> {
    return this.process.exited;
  }

  /** Whether it takes one more (H2). */
  get isOpen(): boolean {
    return !this.isOver;
  }

  /** A worker for one more handler. */
  join(member: GroupMember): HandlerWorker {
    const worker = new SharedWorker(this.process, member, this.clock, (one) => this.leave(one));
    this.workers.add(worker);
    return worker;
  }

  /** H2. */
  private leave(worker: SharedWorker): void {
    this.workers.delete(worker);
    if (this.workers.size > 0 || this.isOver) return;
    this.isOver = true;
    void this.process.stop(END_MS, this.clock);
  }

  private ended(exit: WorkerExit): void {
    this.isOver = true;
    for (const [worker, end] of endsOf([...this.workers], exit)) worker.end(end);
    this.workers.clear();
  }
}

/** How far it has come, as far as ending it goes (H3). */
type Stage = "told nothing" | "coming up" | "at rest" | "serving" | "gone";

class SharedWorker implements HandlerWorker, SharedPart {
  readonly pid: number;
  readonly exited: Promise<WorkerExit>;
  inFlight = 0;
  killedIt = false;
  hasAnswered = false;
  private readonly process: WorkerProcess;
  private readonly member: GroupMember;
  private readonly channel: WorkerChannel;
  private readonly onLetGo: (worker: SharedWorker) => void;
  private readonly exiting = Promise.withResolvers<WorkerExit>();
  private stage: Stage = "told nothing";
  private readonly clock: Clock;
  /** H4: until when it may come to rest. */
  private unwanted: Timer | undefined;

  constructor(process: WorkerProcess, member: GroupMember, clock: Clock, onLetGo: (worker: SharedWorker) => void) {
    this.clock = clock;
    this.member = member;
    this.pid = process.pid;
    this.process = process;
    this.onLetGo = onLetGo;
    this.exited = this.exiting.promise;
    this.channel = process.openChannel(this.exited);
  }

  get isBlamed(): boolean {
    return this.channel.in.isBlamed;
  }

  load(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule> {
    const { url, member } = this.member;
    return this.comeUp("at rest", this.channel.load({ ...request, url, member }, listener));
  }

  /** A process in which handlers serve is none to look at others in. */
  inspect(): Promise<LoadedModule> {
    return Promise.reject(new Error("a worker of a group is not looked at"));
  }

  async start(request: StartRequest, events: WorkerEvents): Promise<void> {
    await this.comeUp("serving", this.channel.start(request, this.counting(events)));
    if (this.stage === "serving" && this.unwanted === undefined) this.member.onServing();
  }

  setDebugger(port: number | undefined): void {
    this.channel.out.setDebugger(port);
  }

  deliver(id: number, delivery: Delivery): void {
    this.inFlight++;
    this.channel.deliver(id, delivery);
  }

  deliverBatch(id: number, deliveries: readonly Delivery[]): void {
    this.inFlight++;
    this.channel.deliverBatch(id, deliveries);
  }

  abort(id: number, why: AbortWhy): void {
    this.hasAnswered = false;
    this.channel.out.abort(id, why);
  }

  whereBlocked(): Promise<string | undefined> {
    return this.process.whereBlocked();
  }

  /** H3 with a reason, H4 without. */
  terminate(because?: string): void {
    switch (this.stage) {
      case "gone":
        return;
      case "told nothing":
      case "at rest":
        return this.letGo(LET_GO);
      case "coming up":
        this.unwanted ??= this.clock.after(SETTLE_MS, () => this.process.terminate(NOT_ITS_FAULT));
        return;
      case "serving":
        if (because === undefined) return void this.stop(END_MS, this.clock);
        this.killedIt = true;
        return this.process.terminate(because);
    }
  }

  async stop(graceMs: number, clock: Clock): Promise<StoppedWorker> {
    const { steps, out } = this.channel;
    steps.stop();
    out.stop();
    let killed = false;
    const late = Promise.withResolvers<void>();
    const timer = clock.after(graceMs, () => {
      killed = true;
      late.resolve();
    });
    await Promise.race([steps.stopped, late.promise, this.exited]);
    timer.cancel();
    this.letGo(LET_GO);
    return { exit: await this.exited, teardownError: steps.teardownError, killed };
  }

  /** The process has ended. */
  end(exit: WorkerExit): void {
    if (this.stage === "gone") return;
    this.stage = "gone";
    this.unwanted?.cancel();
    this.channel.ended(exit);
    this.exiting.resolve(exit);
  }

  /** H1. */
  private letGo(exit: WorkerExit): void {
    if (this.stage === "gone") return;
    this.end(exit);
    this.onLetGo(this);
  }

  private async comeUp<T>(then: Stage, step: Promise<T>): Promise<T> {
    this.stage = "coming up";
    try {
      const result = await step;
      this.reached(then);
      return result;
    } catch (error) {
      if (error instanceof BundleFault && error.where !== "exit") this.reached("at rest");
      throw error;
    }
  }

  private reached(stage: Stage): void {
    if (this.stage !== "coming up") return;
    this.stage = stage;
    if (this.unwanted !== undefined) this.terminate();
  }

  /** How many are in flight decides who answers for the end. All events, so that none that is new is forgotten. */
  private counting(events: WorkerEvents): Required<WorkerEvents> {
    return {
      done: (firstId: number, count: number) => {
        this.inFlight -= count;
        events.done(firstId, count);
      },
      ended: (id: number, outcome: Outcome) => {
        this.inFlight--;
        events.ended(id, outcome);
      },
      named: (id, at, outcome) => events.named?.(id, at, outcome),
      deferred: (id, leaseMs) => events.deferred?.(id, leaseMs),
      chunk: (id, data) => events.chunk(id, data),
      held: (id) => events.held(id),
      begun: (id) => events.begun(id),
      alive: () => {
        this.hasAnswered = true;
        events.alive();
      },
      exited: (exit) => events.exited(exit),
    };
  }
}
