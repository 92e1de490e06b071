// The supervisor's handle on one worker. It starts the process, speaks the protocol, and notices its end at once.
//
// W1  A worker is loaded once and never reused for another bundle: ES modules cannot be unloaded.
// W2  `exited` resolves exactly once, whatever ended the process, after the last frame and line it sent were read.
// W3  A worker that breaks the protocol, or closes its end of the socket and lives on, is killed.
// W4  A worker that publishes faster than the server takes it, or others bear, is not read for a while: its messages wait
//     in its process.
//
// What is said both ways, and how far it has come, is in worker-channel.ts; what it prints in worker-output.ts.

import type { Socket } from "node:net";
import { type Clock, within } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import { NOT_ITS_FAULT, type WorkerExit } from "../message/outcome.ts";
import type { AbortWhy, WorkerEvents } from "../message/worker-port.ts";
import { descriptorOf, directWrite } from "../wire/direct-write.ts";
import { FrameReader, FrameType, type LoadedModule, type LoadRequest, type StartRequest } from "../wire/protocol.ts";
import { probeStack } from "./blocked-stack.ts";
import type { CpuShortage } from "./cpu-shortage.ts";
import { describeExit, OVER_MEMORY, OVER_MEMORY_WITH_OTHERS } from "./exit.ts";
import { FloodTurns } from "./flood-turns.ts";
import { SocketReader } from "./socket-reader.ts";
import { killGroup, type StartedProcess } from "./started-process.ts";
import { UsageWatch } from "./usage-watch.ts";
import { WorkProgress } from "./work-progress.ts";
import { type ChannelProcess, WorkerChannel } from "./worker-channel.ts";
import { WorkerOutput } from "./worker-output.ts";
import type { HandlerWorker, StoppedWorker, WorkerListener } from "./worker-source.ts";

/** A process that ends closes its socket before its end is known: a moment, or longer where the cores are busy. */
const END_FOLLOWS_MS = 1_500;

export class WorkerProcess implements HandlerWorker {
  readonly pid: number;
  readonly exited: Promise<WorkerExit>;
  private readonly process: StartedProcess;
  private readonly clock: Clock;
  private readonly usage: UsageWatch;
  private readonly progress = new WorkProgress();
  private readonly reader: SocketReader;
  private readonly socket: Socket;
  private readonly output: WorkerOutput;
  private readonly shared: ChannelProcess;
  private readonly own: WorkerChannel;
  private readonly channels: WorkerChannel[] = [];
  /** Whose frames come in. */
  private speaking: WorkerChannel;
  private isKilled = false;
  private killedBecause: string | undefined;

  /** `memoryMiB`: its heap limit. */
  constructor(started: StartedProcess, memoryMiB: number, clock: Clock, cpuShortage: CpuShortage) {
    const { pid } = started;
    this.pid = pid;
    this.process = started;
    this.clock = clock;
    this.usage = new UsageWatch(pid, memoryMiB, clock);
    const frames = new FrameReader((type, bytes, start, end) => {
      if (type === FrameType.channel) this.speaking = this.channelAt(bytes.readUInt16BE(start));
      else this.speaking.in.read(type, bytes, start, end);
    });
    this.reader = new SocketReader(started.socket, (bytes) => this.readFrames(frames, bytes));
    this.socket = this.reader.socket;
    this.shared = {
      write: directWrite(this.socket, descriptorOf(this.socket)),
      reader: this.reader,
      floodTurns: new FloodTurns(this.reader, cpuShortage, clock),
      progress: this.progress,
    };
    this.output = new WorkerOutput(started, clock, cpuShortage);
    this.exited = this.exit();
    this.own = new WorkerChannel(this.shared, this.exited);
    this.speaking = this.own;
    this.socket.on("error", () => undefined); // The exit tells what happened.
    this.socket.once("close", () => this.onSocketClosed());
  }

  /** Resolves when the process has booted; rejects with a RuntimeError when it ended before. */
  get booted(): Promise<void> {
    return this.own.steps.booted;
  }

  /** Import a bundle. Rejects with a BundleFault when the bundle throws or ends the process. Call once (W1). */
  load(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule> {
    this.output.listener = listener;
    return this.own.load(request, listener);
  }

  /**
   * Import a bundle only to see what it exports. May be called again, so that one worker serves to look at many bundles
   * that will never run in it; one that throws does no harm to the next. Rejects as `load` does.
   */
  async inspect(request: LoadRequest, listener: WorkerListener): Promise<LoadedModule> {
    try {
      return await this.load({ ...request, shared: true }, listener);
    } finally {
      this.own.steps.putBack();
    }
  }

  /** Run `setup` and take deliveries. Rejects with a BundleFault when `setup` throws. */
  start(request: StartRequest, events: WorkerEvents): Promise<void> {
    return this.own.start(request, events);
  }

  /** One more handler in this process. `exited`: when it ends for that one. Whoever opens it ends it, by `ended`. */
  openChannel(exited: Promise<WorkerExit>): WorkerChannel {
    const channel = new WorkerChannel(this.shared, exited, this.channels.length + 1);
    this.channels.push(channel);
    // What is printed for nobody, or somebody who is gone, is not lost.
    this.output.listenerOf = (number) =>
      this.channels[number - 1]?.in.listener ??
      this.channels.find(({ in: one }) => one.listener !== undefined)?.in.listener;
    return channel;
  }

  setDebugger(port: number | undefined): void {
    this.own.out.setDebugger(port);
  }

  deliver(id: number, delivery: Delivery): void {
    this.own.deliver(id, delivery);
  }

  deliverBatch(id: number, deliveries: readonly Delivery[]): void {
    this.own.deliverBatch(id, deliveries);
  }

  abort(id: number, why: AbortWhy): void {
    this.own.out.abort(id, why);
  }

  /** Ask for `teardown` and the end. Killed after `graceMs`. Resolves with the exit; `teardown`'s own error beside it. */
  async stop(graceMs: number, clock: Clock): Promise<StoppedWorker> {
    this.own.steps.stop();
    this.own.out.stop();
    let killed = false;
    const timer = clock.after(graceMs, () => {
      killed = true;
      this.terminate();
    });
    const exit = await this.exited;
    timer.cancel();
    return { exit, teardownError: this.own.steps.teardownError, killed };
  }

  terminate(because?: string): void {
    this.killedBecause ??= because;
    this.isKilled = true;
    this.process.kill("SIGKILL");
  }

  /** Once it has ended: whether that was its own doing. */
  get isAtFault(): boolean {
    if (this.killedBecause !== undefined) return this.killedBecause !== NOT_ITS_FAULT;
    return !this.isKilled && !this.own.steps.isStopping;
  }

  async whereBlocked(): Promise<string | undefined> {
    const gone = new AbortController();
    const ended = this.exited.then(() => gone.abort());
    const asked = this.output.inspectorUrl();
    this.process.kill("SIGUSR1");
    const url = await Promise.race([asked, ended]);
    return typeof url === "string" ? probeStack(url, gone.signal) : undefined;
  }

  /** Worth a look more often than others: what it does now may not end. */
  get isSilent(): boolean {
    return this.progress.isSilent;
  }

  /** Whether it has had work since this was last asked. */
  hadWork(): boolean {
    return this.progress.hadWork();
  }

  /** Until it has finished a message it lets others go first. */
  putOnProbation(): void {
    this.usage.putOnProbation();
  }

  /**
   * Kill the worker when it holds more memory than it may, which its exit then says; make it yield when it is a hog.
   * `othersBytes`: what the processes hold that it has started. False when it was killed.
   */
  checkUsage(othersBytes: number): boolean {
    if (this.usage.isOverMemory(othersBytes)) {
      this.terminate(othersBytes > 0 ? OVER_MEMORY_WITH_OTHERS : OVER_MEMORY);
      return false;
    }
    // Coming up takes a core too, and comes to an end by itself.
    if (this.isReady) this.usage.checkHog(this.progress.finished);
    return true;
  }

  private get isReady(): boolean {
    return this.own.steps.isReady || this.channels.some(({ steps }) => steps.isReady);
  }

  private channelAt(number: number): WorkerChannel {
    const channel = this.channels[number - 1];
    if (channel === undefined) throw new RangeError(`frames of channel ${number}, of which nobody knows`);
    return channel;
  }

  private readFrames(frames: FrameReader, bytes: Buffer): void {
    try {
      frames.push(bytes);
    } catch (error) {
      this.breakOff(error);
    }
  }

  private async exit(): Promise<WorkerExit> {
    const { process, socket, output } = this;
    const socketClosed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const end = await process.ended;
    killGroup(this.pid);
    this.reader.readToTheEnd(); // W2 before W4.
    // A grandchild may hold the pipes open: what has not come a moment after the end is not waited for.
    await within(this.clock, 100, Promise.all([socketClosed, output.ended]));
    const exit = describeExit(end, this.killedBecause, output.lastErrors);
    socket.destroy();
    this.own.ended(exit);
    return exit;
  }

  /** W3. */
  private onSocketClosed(): void {
    const overdue = this.clock.after(END_FOLLOWS_MS, () => {
      if (!this.own.steps.isStopping && !this.isKilled) this.breakOff("it closed its socket");
    });
    this.exited.then(() => overdue.cancel());
  }

  private breakOff(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.socket.destroy();
    // What it wrote may be anything, and is quoted in the reason.
    this.terminate(`it broke the protocol (${reason.replace(/\p{Cc}+/gu, " ")})`);
  }
}
