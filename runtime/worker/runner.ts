// Runs the deliveries that come in as frames, and reports how each has ended. At most `concurrency` run at the same time;
// what was handed over beyond that waits here in order. How one message is run is for run-once.ts.
//
// R1  A handler that returns without a promise costs no promise.
// R2  After TURN_MS of synchronous work the event loop gets its turn, so that aborts and signs of life get through.
// R3  With `orderBy`, messages of one key run one after another (key-queue.ts); one held back keeps its slot.
// R4  A message that is deferred leaves its slot when its function returns (deferred-runs.ts), unless its time is up or it is a shadow.

import type { PayloadFormat } from "../../sdk/payload.ts";
import { FrameType } from "../wire/protocol.ts";
import { contextOf } from "./change-context.ts";
import { contentTypeIn } from "./content-type.ts";
import type { ContextDeps, DeliveryContext } from "./context.ts";
import { DeferredRuns } from "./deferred-runs.ts";
import { keyQueueOn, type OrderBy } from "./key-queue.ts";
import type { Link } from "./link.ts";
import type { HandlerFunction, StandardSchema } from "./load.ts";
import type { MessageFilter } from "./message-filter.ts";
import { readDelivery } from "./read-delivery.ts";
import { type HandlerProgram, type RunOwner, runOnce, type Turns } from "./run-once.ts";
import type { RunOutcome } from "./run-outcome.ts";

const TURN_MS = 10;
/** Between two looks at the clock less than this: the handler is quick. */
const QUICK_MS = 0.2;
const LOOKS_SKIPPED = 15;

interface Waiting {
  readonly frameId: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What deliveries need of the worker they run in. */
export interface WorkerDeps extends ContextDeps {
  readonly link: Link;
}

/** What the author wrote. */
export interface RunnerParts {
  readonly handler: HandlerFunction;
  readonly schema: StandardSchema | undefined;
  readonly reply: StandardSchema | undefined;
  readonly payload: PayloadFormat | undefined;
  readonly when: MessageFilter | undefined;
  readonly orderBy: OrderBy | undefined;
}

/** Why a signal aborts. */
export function timeoutPassed(): Error {
  return Object.assign(new Error("the handler's timeout has passed"), { name: "TimeoutError" });
}
export function cancelledByOperator(): Error {
  return Object.assign(new Error("an operator has cancelled the message"), { name: "AbortError" });
}

export class Runner implements RunOwner {
  /** R3. */
  readonly turns: Turns | undefined;
  private readonly services: WorkerDeps;
  private readonly program: HandlerProgram;
  private readonly running = new Map<number, DeliveryContext>();
  private readonly deferred = new DeferredRuns({
    deferred: (frameId, leaseMs) => this.writeDeferred(frameId, leaseMs),
    settled: (frameId, outcome) => this.report(frameId, outcome),
  });
  private waiting: Waiting[] = [];
  private waitingHead = 0;
  private active = 0;
  private turnStartedMs = 0;
  private continuing = false;
  private lookedAtMs = 0;
  private looksToSkip = 0;

  constructor(services: WorkerDeps, { handler, schema, reply, payload = "json", when, orderBy }: RunnerParts) {
    this.services = services;
    const { kind, envelope } = services.start;
    const replies = kind === "request";
    this.program = { handler, schema, reply: replies ? reply : undefined, payload, envelope, when, replies };
    this.turns = orderBy && keyQueueOn(services.link, orderBy);
  }

  /** A delivery frame came in; the bytes stay as they are while `holdsBytes` says so. */
  deliver(bytes: Buffer, start: number, end: number): void {
    const frameId = bytes.readUInt32BE(start);
    if (this.active < this.services.start.concurrency && this.waitingCount === 0 && !this.turnIsLong()) {
      this.run(frameId, bytes, start, end);
      return;
    }
    this.waiting.push({ frameId, bytes, start, end });
    if (this.active < this.services.start.concurrency) this.continueNextTurn();
  }

  abort(frameId: number, isCancelled: boolean): void {
    const reason = isCancelled ? cancelledByOperator() : timeoutPassed();
    if (!this.deferred.abort(frameId, reason)) this.running.get(frameId)?.abort(reason);
  }

  /** Abort every running delivery: the worker is about to go. */
  abortAll(reason: Error): void {
    for (const context of this.running.values()) context.abort(reason);
    this.deferred.abortAll(reason);
  }

  /** Whether bytes given to `deliver` are still needed. */
  get holdsBytes(): boolean {
    return this.waitingCount > 0;
  }

  private get waitingCount(): number {
    return this.waiting.length - this.waitingHead;
  }

  /** The event loop has come round. */
  beginTurn(): void {
    this.turnStartedMs = performance.now();
    this.lookedAtMs = this.turnStartedMs;
    this.looksToSkip = 0;
  }

  private turnIsLong(): boolean {
    // Reading the clock is dear beside a handler of a microsecond: after a quick look the next ones can wait.
    if (this.looksToSkip-- > 0) return false;
    const nowMs = performance.now();
    this.looksToSkip = nowMs - this.lookedAtMs < QUICK_MS ? LOOKS_SKIPPED : 0;
    this.lookedAtMs = nowMs;
    return nowMs - this.turnStartedMs > TURN_MS;
  }

  /** R2: what waits goes on when the event loop has come round. */
  private continueNextTurn(): void {
    this.services.link.flush();
    if (this.continuing) return;
    this.continuing = true;
    setImmediate(() => {
      this.continuing = false;
      this.beginTurn();
      this.services.link.together(() => this.runWaiting());
    });
  }

  private runWaiting(): void {
    while (this.waitingCount > 0 && this.active < this.services.start.concurrency) {
      if (this.turnIsLong()) return this.continueNextTurn();
      const next = this.waiting[this.waitingHead]!;
      this.waiting[this.waitingHead++] = undefined as never;
      if (this.waitingHead > 1_024 && this.waitingHead * 2 > this.waiting.length) {
        this.waiting = this.waiting.slice(this.waitingHead);
        this.waitingHead = 0;
      }
      this.run(next.frameId, next.bytes, next.start, next.end);
    }
    if (this.waitingCount === 0 && this.waitingHead > 0) {
      this.waiting = [];
      this.waitingHead = 0;
    }
  }

  private run(frameId: number, bytes: Buffer, batchStart: number, end: number): void {
    const arrival = readDelivery(bytes, batchStart, frameId, this.services.start.subjects[0]!);
    const { payloadStart, headerBytes } = arrival;
    const contentType = headerBytes && contentTypeIn(headerBytes);
    const incoming = { id: frameId, bytes, start: payloadStart, end, contentType };
    const context = contextOf(arrival, this.services, incoming);
    const outcome = runOnce(this.program, incoming, context, this);
    if (!(outcome instanceof Promise)) return this.finish(frameId, outcome, context);
    this.active++;
    this.running.set(frameId, context);
    void outcome.then((late) => this.ended(frameId, late, context));
  }

  /** R4. */
  private finish(frameId: number, outcome: RunOutcome, context: DeliveryContext): void {
    const { deferral } = context;
    if (deferral === undefined) return this.report(frameId, outcome);
    if (outcome.kind === "returned" && !context.isAborted && !context.shadow)
      return this.deferred.add(frameId, context, deferral);
    deferral.end();
    this.report(frameId, outcome);
  }

  private ended(frameId: number, outcome: RunOutcome, context: DeliveryContext): void {
    this.finish(frameId, outcome, context);
    this.running.delete(frameId);
    this.active--;
    this.runWaiting();
  }

  async chunk(frameId: number, body: Uint8Array): Promise<void> {
    this.write(FrameType.chunk, frameId, body);
    await this.services.link.drained();
  }

  private report(frameId: number, outcome: RunOutcome): void {
    if (outcome.kind !== "returned") return this.write(FrameType.failed, frameId, Buffer.from(JSON.stringify(outcome)));
    if (outcome.reply !== undefined) return this.write(FrameType.reply, frameId, outcome.reply);
    const { link } = this.services;
    link.done(frameId);
    link.schedule();
  }

  private writeDeferred(frameId: number, leaseMs: number): void {
    const { link } = this.services;
    const frame = link.begin(FrameType.deferred);
    frame.u32(frameId);
    frame.u32(leaseMs);
    frame.end();
    link.schedule();
  }

  private write(type: number, frameId: number, body: Uint8Array): void {
    const { link } = this.services;
    const frame = link.begin(type);
    frame.u32(frameId);
    frame.bytes(body);
    frame.end();
    link.schedule();
  }
}
