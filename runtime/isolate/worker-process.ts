// The supervisor's handle on one worker. It starts the process, speaks the protocol, and notices its end at once.
//
// W1  A worker is loaded once and never reused for another bundle: ES modules cannot be unloaded.
// W2  `exited` resolves exactly once, whatever ended the process, after the last frame and line it sent were read.
// W3  A worker that breaks the protocol, or closes its end of the socket and lives on, is killed.
// W4  A worker that publishes faster than the server takes it, or others bear, is not read for a while: its messages wait
//     in its process.

import type { Socket } from "node:net";
import { type Clock, within } from "../clock.ts";
import type { Delivery } from "../deliver/delivery.ts";
import type { Call } from "../deliver/handler-call.ts";
import { NOT_ITS_FAULT, type SerializedError, type WorkerExit } from "../deliver/outcome.ts";
import type { WorkerEvents, WorkerPort } from "../deliver/worker-port.ts";
import { descriptorOf, directWrite } from "../direct-write.ts";
import { probeStack } from "./blocked-stack.ts";
import { BundleFault, bootFailure, exitAsError } from "./bundle-fault.ts";
import type { Crowding } from "./crowding.ts";
import { describeExit, isNoise, OVER_MEMORY } from "./exit.ts";
import { readFailure } from "./failure-frame.ts";
import { Intake } from "./intake.ts";
import { OutputCapture } from "./output.ts";
import {
  DELIVER_HAS_HEADERS,
  DELIVER_HAS_SUBJECT,
  FrameReader,
  FrameType,
  FrameWriter,
  jsonBody,
  type LoadedModule,
  type LoadRequest,
  type StartRequest,
} from "./protocol.ts";
import { killGroup, type StartedProcess } from "./started-process.ts";
import { Turns } from "./turns.ts";
import { UsageWatch } from "./usage-watch.ts";
import type { LogRecord } from "./worker/log.ts";
import { WorkerCalls } from "./worker-calls.ts";

const FLUSH_AT_BYTES = 256 * 1024;
/** A process that ends closes its socket a moment before its end is known. */
const END_FOLLOWS_MS = 100;

export interface WorkerListener {
  log(record: LogRecord): void;
  output(stream: "stdout" | "stderr", line: string): void;
  readonly call: Call;
}

type Phase =
  | { readonly kind: "booting" }
  | { readonly kind: "warm" }
  | { readonly kind: "loading"; resolve(module: LoadedModule): void; reject(error: SerializedError): void }
  | { readonly kind: "loaded" }
  | { readonly kind: "starting"; resolve(): void; reject(error: SerializedError): void }
  | { readonly kind: "ready" }
  | { readonly kind: "stopping" };

export class WorkerProcess implements WorkerPort {
  readonly pid: number;
  /** Resolves when the process has booted; rejects with a RuntimeError when it ended before. */
  readonly booted: Promise<void>;
  readonly exited: Promise<WorkerExit>;
  private onInspectorUrl: ((url: string) => void) | undefined;
  private readonly usage: UsageWatch;
  private readonly clock: Clock;
  /** What the worker has reported of deliveries: ends, and chunks of replies. */
  private finished = 0;
  /** It has been handed something since it last reported any. */
  private isAsked = false;
  private finishedBefore = 0;
  private killedBecause: string | undefined;
  private readonly process: StartedProcess;
  private readonly turns: Turns;
  private readonly socket: Socket;
  private isKilled = false;
  private readonly intake: Intake;
  private readonly write: (batch: Buffer) => boolean;
  private readonly out = new FrameWriter();
  private phase: Phase = { kind: "booting" };
  private bootDone: (() => void) | undefined;
  private listener: WorkerListener | undefined;
  private events: WorkerEvents | undefined;
  private boundSubject = "";
  private handler = "";
  private calls: WorkerCalls | undefined;
  private flushScheduled = false;
  private teardownError: SerializedError | undefined;

  /** `memoryMiB`: its heap limit. */
  constructor(started: StartedProcess, memoryMiB: number, clock: Clock, crowding: Crowding) {
    const { pid } = started;
    const reader = new FrameReader((type, bytes, start, end) => this.onFrame(type, bytes, start, end));
    this.intake = new Intake(started.socket, (bytes) => {
      try {
        reader.push(bytes);
      } catch (error) {
        this.breakOff(error);
      }
    });
    const { socket } = this.intake;
    this.process = started;
    this.socket = socket;
    this.write = directWrite(socket, descriptorOf(socket));
    this.pid = pid;
    this.usage = new UsageWatch(pid, memoryMiB, clock);
    this.clock = clock;
    this.turns = new Turns(this.intake, crowding, clock);
    socket.on("error", () => undefined); // The exit tells what happened.
    socket.once("close", () => this.onSocketClosed());
    const stdout = new OutputCapture(started.stdout, clock, (line) => {
      this.listener?.output("stdout", line);
      return true;
    });
    const stderr = new OutputCapture(started.stderr, clock, (line) => {
      if (this.isInspectorsWord(line) || isNoise(line)) return false;
      this.listener?.output("stderr", line);
      return true;
    });
    const socketClosed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    this.exited = started.ended.then(async (end) => {
      killGroup(pid);
      this.intake.readToTheEnd(); // W2 before W4.
      // A grandchild may hold the pipes open: what has not come a moment after the end is not waited for.
      await within(clock, 100, Promise.all([socketClosed, stdout.ended, stderr.ended]));
      const exit = describeExit(end, this.killedBecause, stderr.last);
      this.onExit(exit);
      return exit;
    });
    this.booted = new Promise((resolve, reject) => {
      this.bootDone = resolve;
      this.exited.then((exit) => reject(bootFailure(exit)), reject);
    });
    this.booted.catch(() => undefined); // Whoever takes the worker awaits it; a pool may drop it unused.
  }

  /** Import a bundle. Rejects with a BundleFault when the bundle throws or ends the process. Call once (W1). */
  load(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule> {
    this.listener = listener;
    this.handler = request.handler;
    return this.phaseOf<LoadedModule>("import", (resolve, reject) => {
      this.phase = { kind: "loading", resolve, reject };
      this.sendJson(FrameType.load, request);
    });
  }

  /**
   * Import a bundle only to see what it exports. May be called again, so that one worker serves to look at many bundles
   * that will never run in it; one that throws does no harm to the next. Rejects as `load` does.
   */
  async inspect(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule> {
    try {
      return await this.load(request, listener);
    } finally {
      this.phase = { kind: "warm" };
    }
  }

  /** Run `setup` and take deliveries. Rejects with a BundleFault when `setup` throws. */
  start(request: StartRequest, events: WorkerEvents): Promise<void> {
    this.events = events;
    this.boundSubject = request.subject;
    const { handler, out, intake, turns } = this;
    const owner = { out, answered: () => this.scheduleFlush(), intake, turns };
    if (this.listener !== undefined) {
      this.calls = new WorkerCalls(owner, { handler, idPrefix: request.idPrefix }, this.listener.call);
    }
    return this.phaseOf<void>("setup", (resolve, reject) => {
      this.phase = { kind: "starting", resolve, reject };
      this.sendJson(FrameType.start, request);
    });
  }

  /** Open the inspector on that port, or close it. */
  setInspector(port: number | undefined): void {
    this.out.begin(FrameType.inspector);
    this.out.u16(port ?? 0);
    this.out.end();
    this.flush();
  }

  deliver(id: number, delivery: Delivery): void {
    const { out } = this;
    const hasSubject = delivery.subject !== this.boundSubject;
    const { headers } = delivery;
    this.isAsked = true;
    out.begin(FrameType.deliver);
    out.u32(id);
    out.u53(delivery.seq);
    out.u16(Math.min(delivery.attempt, 0xffff));
    out.u8((hasSubject ? DELIVER_HAS_SUBJECT : 0) | (headers !== undefined ? DELIVER_HAS_HEADERS : 0));
    if (hasSubject) out.shortText(delivery.subject);
    if (headers !== undefined) out.block(headers);
    out.bytes(delivery.data);
    out.end();
    this.scheduleFlush();
  }

  abort(id: number): void {
    this.out.begin(FrameType.abort);
    this.out.u32(id);
    this.out.end();
    this.out.begin(FrameType.ping);
    this.out.end();
    this.flush();
  }

  /** Ask for `teardown` and the end. Killed after `graceMs`. Resolves with the exit; `teardown`'s own error beside it. */
  async stop(
    graceMs: number,
    clock: Clock,
  ): Promise<{ exit: WorkerExit; teardownError: SerializedError | undefined; killed: boolean }> {
    this.phase = { kind: "stopping" };
    this.out.begin(FrameType.stop);
    this.out.end();
    this.flush();
    let killed = false;
    const timer = clock.after(graceMs, () => {
      killed = true;
      this.terminate();
    });
    const exit = await this.exited;
    timer.cancel();
    return { exit, teardownError: this.teardownError, killed };
  }

  terminate(because?: string): void {
    this.killedBecause ??= because;
    this.isKilled = true;
    this.process.kill("SIGKILL");
  }

  /** Once it has ended: whether that was its own doing. */
  get isAtFault(): boolean {
    if (this.killedBecause !== undefined) return this.killedBecause !== NOT_ITS_FAULT;
    return !this.isKilled && this.phase.kind !== "stopping";
  }

  async whereBlocked(): Promise<string | undefined> {
    const gone = new AbortController();
    this.exited.then(() => gone.abort());
    const url = await new Promise<string | undefined>((resolve) => {
      this.onInspectorUrl = resolve;
      this.exited.then(() => resolve(undefined));
      this.process.kill("SIGUSR1");
    });
    return url === undefined ? undefined : probeStack(url, gone.signal);
  }

  /** Worth a look more often than others: what it does now may not end. */
  get isSilent(): boolean {
    return this.isAsked;
  }

  /** Whether it has had work since this was last asked. */
  hadWork(): boolean {
    const had = this.isAsked || this.finished !== this.finishedBefore;
    this.finishedBefore = this.finished;
    return had;
  }

  /** Until it has finished a message it lets others go first. */
  putOnProbation(): void {
    this.usage.putOnProbation();
  }

  /** Kill the worker when it holds more memory than it may; its exit then says so. Make it yield when it is a hog. */
  checkUsage(): void {
    if (this.usage.isOverMemory()) return this.terminate(OVER_MEMORY);
    // Coming up takes a core too, and comes to an end by itself.
    if (this.phase.kind === "ready") this.usage.checkHog(this.finished);
  }

  private phaseOf<T>(
    where: "import" | "setup",
    enter: (resolve: (value: T) => void, reject: (error: SerializedError) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      enter(resolve, (error) => reject(new BundleFault(where, error)));
      this.exited.then((exit) => reject(new BundleFault("exit", exitAsError(exit))), reject);
    });
  }

  private onFrame(type: number, bytes: Buffer, start: number, end: number): void {
    if (type >= FrameType.done && type <= FrameType.chunk) {
      this.finished += type === FrameType.done ? bytes.readUInt32BE(start + 4) : 1;
      this.isAsked = false;
    }
    switch (type) {
      case FrameType.done:
        return this.events?.done(bytes.readUInt32BE(start), bytes.readUInt32BE(start + 4));
      case FrameType.reply:
        return this.events?.ended(bytes.readUInt32BE(start), {
          kind: "returned",
          reply: Buffer.from(bytes.subarray(start + 4, end)),
        });
      case FrameType.failed:
        return this.events?.ended(bytes.readUInt32BE(start), readFailure(jsonBody(bytes, start + 4, end)));
      case FrameType.chunk:
        return this.events?.chunk(bytes.readUInt32BE(start), Buffer.from(bytes.subarray(start + 4, end)));
      case FrameType.publish:
      case FrameType.request:
        return this.calls?.onFrame(type, bytes, start, end);
      case FrameType.log:
        return this.listener?.log(jsonBody<LogRecord>(bytes, start, end));
      case FrameType.held:
        return this.events?.held(bytes.readUInt32BE(start));
      case FrameType.begun:
        return this.events?.begun(bytes.readUInt32BE(start));
      case FrameType.pong:
        return this.events?.alive();
      default:
        return this.onLifecycleFrame(type, bytes, start, end);
    }
  }

  private onLifecycleFrame(type: number, bytes: Buffer, start: number, end: number): void {
    const { phase } = this;
    if (type === FrameType.hello && phase.kind === "booting") {
      this.phase = { kind: "warm" };
      return this.bootDone?.();
    }
    if (type === FrameType.loaded && phase.kind === "loading") {
      this.phase = { kind: "loaded" };
      return phase.resolve(jsonBody<LoadedModule>(bytes, start, end));
    }
    if (type === FrameType.loadFailed && (phase.kind === "loading" || phase.kind === "starting")) {
      return phase.reject(jsonBody<{ error: SerializedError }>(bytes, start, end).error);
    }
    if (type === FrameType.ready && phase.kind === "starting") {
      this.phase = { kind: "ready" };
      return phase.resolve();
    }
    if (type === FrameType.stopped) {
      this.teardownError = jsonBody<SerializedError | null>(bytes, start, end) ?? undefined;
      return;
    }
    throw new RangeError(`frame type ${type} in phase "${phase.kind}"`);
  }

  private sendJson(type: number, value: unknown): void {
    this.out.json(type, value);
    this.flush();
  }

  private scheduleFlush(): void {
    if (this.out.pendingBytes > FLUSH_AT_BYTES) return this.flush();
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    queueMicrotask(() => {
      this.flushScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    this.calls?.close();
    this.out.flush(this.write);
  }

  /** Node announces its inspector on stderr. When we asked for it, that is for us and not for the author's log. */
  private isInspectorsWord(line: string): boolean {
    if (this.onInspectorUrl === undefined) return false;
    const [, url] = /^Debugger listening on (ws:\/\/\S+)$/.exec(line) ?? [];
    if (url !== undefined) this.onInspectorUrl(url);
    return url !== undefined || /^(For help, see: https:\/\/nodejs|Debugger attached\.|Debugger ending on )/.test(line);
  }

  /** W3. */
  private onSocketClosed(): void {
    const overdue = this.clock.after(END_FOLLOWS_MS, () => {
      if (this.phase.kind !== "stopping" && !this.isKilled) this.breakOff("it closed its socket");
    });
    this.exited.then(() => overdue.cancel());
  }

  private breakOff(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.listener?.output("stderr", `worker ${this.pid} broke the protocol (${reason}) and is killed`);
    this.socket.destroy();
    this.terminate();
  }

  private onExit(exit: WorkerExit): void {
    this.socket.destroy();
    this.events?.exited(exit);
    this.events = undefined;
  }
}
