// What is said to one handler of a process, and what it says: frames both ways, how far it has come, its calls. Most processes
// have one handler, and those of a group one channel for each (shared-process.ts).

import type { Delivery } from "../message/delivery.ts";
import type { WorkerExit } from "../message/outcome.ts";
import type { WorkerEvents } from "../message/worker-port.ts";
import { channelOpening, type LoadedModule, type LoadRequest, type StartRequest } from "../wire/protocol.ts";
import type { FloodTurns } from "./flood-turns.ts";
import { FramesIn } from "./frames-in.ts";
import { FramesOut } from "./frames-out.ts";
import { HeldOutcomes } from "./held-outcomes.ts";
import type { SocketReader } from "./socket-reader.ts";
import type { WorkProgress } from "./work-progress.ts";
import { WorkerCalls } from "./worker-calls.ts";
import type { WorkerListener } from "./worker-source.ts";
import { WorkerSteps } from "./worker-steps.ts";
import { WorkerStores } from "./worker-stores.ts";

/** What the channels of a process have in common. */
export interface ChannelProcess {
  /** Says whether it is done with the bytes. */
  readonly write: (batch: Buffer) => boolean;
  readonly reader: SocketReader;
  readonly floodTurns: FloodTurns;
  readonly progress: WorkProgress;
}

export class WorkerChannel {
  readonly steps: WorkerSteps;
  readonly in: FramesIn;
  readonly out: FramesOut;
  private readonly process: ChannelProcess;
  private handler = "";

  /** `number`: undefined where there is but one. */
  constructor(process: ChannelProcess, exited: Promise<WorkerExit>, number?: number) {
    this.process = process;
    this.out = new FramesOut(process.write, number === undefined ? undefined : channelOpening(number));
    this.steps = new WorkerSteps(exited);
    this.in = new FramesIn(this.steps, process.progress, process.floodTurns);
  }

  load(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule> {
    this.in.listener = listener;
    this.handler = request.handler;
    const loaded = this.steps.load();
    this.out.load(request);
    return loaded;
  }

  start(request: StartRequest, events: WorkerEvents): Promise<void> {
    const { in: framesIn, out, handler } = this;
    const outcomes = new HeldOutcomes(events);
    framesIn.events = outcomes;
    if (framesIn.listener !== undefined) {
      const { reader, floodTurns } = this.process;
      const limits = { concurrency: request.concurrency };
      const caller = { handler, idPrefixes: request.idPrefixes };
      const calls = new WorkerCalls({ out, reader, floodTurns, outcomes }, caller, limits, framesIn.listener.call);
      framesIn.calls = calls;
      framesIn.stores = new WorkerStores({ out, handler, ...limits }, framesIn.listener.store);
      out.beforeLeaving = () => calls.close();
    }
    const started = this.steps.start();
    out.start(request);
    return started;
  }

  deliver(id: number, delivery: Delivery): void {
    this.process.progress.handed();
    this.out.deliver(id, delivery);
  }

  deliverBatch(id: number, deliveries: readonly Delivery[]): void {
    this.process.progress.handedTogether(deliveries.length);
    this.out.deliverBatch(id, deliveries);
  }

  /** Nobody is there any more. A second call does nothing. */
  ended(exit: WorkerExit): void {
    this.in.calls?.end();
    this.in.stores?.end();
    this.in.events?.exited(exit);
    this.in.events = undefined;
  }
}
