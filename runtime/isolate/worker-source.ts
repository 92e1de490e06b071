// Where workers come from, and what whoever takes one may ask of it. The pool implements it with processes; tests put
// fakes in their place.

import type { Clock } from "../clock.ts";
import type { Call } from "../message/handler-call.ts";
import type { SerializedError, WorkerExit } from "../message/outcome.ts";
import type { CarryAsk } from "../message/schedule-call.ts";
import type { WorkerEvents, WorkerPort } from "../message/worker-port.ts";
import type { LogRecord } from "../wire/log-record.ts";
import type { LoadedModule, LoadRequest, StartRequest } from "../wire/protocol.ts";

export interface WorkerSource {
  /** A worker that has booted. Rejects with WORKER_CRASHED when it cannot. The caller ends it. */
  take(memoryMiB: number): Promise<HandlerWorker>;
  /** A process that several handlers are to share, as `take`. It ends by itself with the last of them. */
  share(memoryMiB: number): Promise<SharedWorkers>;
}

/** A process of several handlers. */
export interface SharedWorkers {
  /** Resolves when it has ended. */
  readonly exited: Promise<unknown>;
  /** Whether it takes one more. */
  readonly isOpen: boolean;
  /** A worker for one more handler. */
  join(member: GroupMember): HandlerWorker;
}

export interface GroupMember {
  /** URL of the program that has it, and its name there: what the worker loads, whatever bundle it is told. */
  readonly url: string;
  readonly member: string;
  /** It has been set up. */
  onServing(): void;
}

export interface HandlerWorker extends WorkerPort {
  /** Resolves once, whatever ended it, after the last thing it said was passed on. Never rejects. */
  readonly exited: Promise<WorkerExit>;
  /** Import a bundle. Rejects with a BundleFault when the bundle throws or ends the process. Call once. */
  load(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule>;
  /** Import a bundle only to see what it exports; may be called again. Rejects as `load` does. */
  inspect(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule>;
  /** Run `setup` and take deliveries. Rejects with a BundleFault when `setup` throws. */
  start(request: StartRequest, events: WorkerEvents): Promise<void>;
  /** Open the inspector on that port, or close it. */
  setDebugger(port: number | undefined): void;
  /** Ask for `teardown` and the end. After `graceMs` it is killed, or given up where others share its process. Never rejects. */
  stop(graceMs: number, clock: Clock): Promise<StoppedWorker>;
}

export interface StoppedWorker {
  readonly exit: WorkerExit;
  /** What `teardown` threw. */
  readonly teardownError: SerializedError | undefined;
  /** It did not end in time. */
  readonly killed: boolean;
}

/** What a worker says besides what becomes of its deliveries. */
export interface WorkerListener {
  log(record: LogRecord): void;
  output(stream: "stdout" | "stderr", line: string): void;
  /** It prints faster than anybody reads: so many lines were dropped. */
  outputDropped(stream: "stdout" | "stderr", count: number): void;
  readonly call: Call;
  readonly store: CarryAsk;
}
