// Runs deliveries: decode, validate, call the handler, report the outcome. At most `concurrency` at the same time;
// what was handed over beyond that waits here in order.
//
// R1  A handler that returns without a promise costs no promise.
// R2  After TURN_MS of synchronous work the event loop gets its turn, so that aborts and signs of life get through.
// R3  With `orderBy`, messages of one key run one after another (key-queue.ts); one held back keeps its slot.

import { verdictOf } from "../../../sdk/verdicts.ts";
import { FrameType } from "../protocol.ts";
import { serializeError } from "../serialize-error.ts";
import { type Arrival, DeliveryContext, type WorkerServices } from "./context.ts";
import { type KeyQueue, keyQueueOn, type OrderBy } from "./key-queue.ts";
import type { HandlerFunction, StandardResult, StandardSchema } from "./load.ts";
import { decodePayload, describeIssues, encodePayload, NotSerializableError, readIssues } from "./payload.ts";
import { readDelivery } from "./read-delivery.ts";

const TURN_MS = 10;
/** Between two looks at the clock less than this: the handler is quick. */
const QUICK_MS = 0.2;
const LOOKS_SKIPPED = 15;
const NO_REPLY = new Uint8Array(0);

interface Waiting {
  readonly frameId: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What the author wrote. */
export interface RunnerParts {
  readonly handler: HandlerFunction;
  readonly schema: StandardSchema | undefined;
  readonly orderBy: OrderBy | undefined;
}

export class Runner {
  private readonly services: WorkerServices;
  private readonly handler: HandlerFunction;
  private readonly schema: StandardSchema | undefined;
  private readonly running = new Map<number, DeliveryContext>();
  private waiting: Waiting[] = [];
  private waitingHead = 0;
  private active = 0;
  private turnStartedMs = 0;
  private continuing = false;
  private lookedAtMs = 0;
  private looksToSkip = 0;
  private readonly repliesWanted: boolean;
  private readonly keys: KeyQueue | undefined;

  constructor(services: WorkerServices, { handler, schema, orderBy }: RunnerParts) {
    this.services = services;
    this.handler = handler;
    this.schema = schema;
    this.keys = orderBy && keyQueueOn(services.link, orderBy);
    this.repliesWanted = services.start.kind === "request";
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

  abort(frameId: number): void {
    const context = this.running.get(frameId);
    context?.abort(Object.assign(new Error("the handler's timeout has passed"), { name: "TimeoutError" }));
  }

  /** Abort every running delivery: the worker is about to go. */
  abortAll(reason: Error): void {
    for (const context of this.running.values()) context.abort(reason);
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

  private run(frameId: number, bytes: Buffer, start: number, end: number): void {
    const arrival = readDelivery(bytes, start, frameId, this.services.start.subject);
    const decoded = decodePayload(bytes, arrival.payloadStart, end, this.schema !== undefined);
    if (decoded.kind === "unreadable") return this.reportInvalid(frameId, decoded.message, []);
    if (this.schema === undefined) return this.begin(arrival, decoded.value, decoded.kind === "bytes");
    let result: StandardResult | Promise<StandardResult>;
    try {
      result = this.schema["~standard"].validate(decoded.value);
    } catch (error) {
      return this.reportError(frameId, error);
    }
    if (!(result instanceof Promise)) return this.callWith(arrival, result);
    this.active++;
    result.then(
      (settled) => {
        this.active--;
        this.callWith(arrival, settled);
        this.runWaiting();
      },
      (error: unknown) => {
        this.active--;
        this.reportError(frameId, error);
        this.runWaiting();
      },
    );
  }

  private callWith(arrival: Arrival, result: StandardResult): void {
    if (result.issues === undefined) return this.begin(arrival, result.value, false);
    const issues = readIssues(result.issues);
    this.reportInvalid(arrival.frameId, describeIssues(issues), issues);
  }

  /** R3. */
  private begin(arrival: Arrival, payload: unknown, rawText: boolean): void {
    if (this.keys === undefined) return void this.call(arrival, payload, rawText);
    const { frameId } = arrival;
    this.active++;
    try {
      this.keys.take(frameId, payload, () => {
        this.active--;
        const running = this.call(arrival, payload, rawText);
        this.runWaiting();
        return running;
      });
    } catch (error) {
      this.active--;
      this.reportError(frameId, error);
    }
  }

  /** Undefined when it has ended already. The promise never rejects. */
  private call(arrival: Arrival, payload: unknown, rawText: boolean): Promise<void> | undefined {
    const context = new DeliveryContext(arrival, this.services);
    let returned: unknown;
    try {
      returned = this.handler(payload, context);
    } catch (error) {
      this.reportError(arrival.frameId, error);
      return undefined;
    }
    const streams = this.repliesWanted && isAsyncIterable(returned);
    if (!streams && !isThenable(returned) && !context.hasUnconfirmed) {
      this.reportReturned(arrival.frameId, returned, rawText);
      return undefined;
    }
    this.active++;
    this.running.set(arrival.frameId, context);
    const whole = streams
      ? this.stream(arrival.frameId, returned as AsyncIterable<unknown>, context, rawText)
      : returned;
    return this.finishLater(arrival.frameId, whole, context, rawText);
  }

  private async finishLater(
    frameId: number,
    returned: unknown,
    context: DeliveryContext,
    rawText: boolean,
  ): Promise<void> {
    try {
      const value = await returned;
      if (context.hasUnconfirmed) await context.allConfirmed();
      this.reportReturned(frameId, value, rawText);
    } catch (error) {
      this.reportError(frameId, error);
    }
    this.running.delete(frameId);
    this.active--;
    this.runWaiting();
  }

  /** ADR-47: one message per value; the empty message that ends the stream is the settlement's. */
  private async stream(
    frameId: number,
    values: AsyncIterable<unknown>,
    context: DeliveryContext,
    rawText: boolean,
  ): Promise<undefined> {
    const { link } = this.services;
    for await (const value of values) {
      const body = encodePayload(value, "the yielded value", rawText);
      const frame = link.begin(FrameType.chunk);
      frame.u32(frameId);
      frame.bytes(body);
      frame.end();
      link.schedule();
      await link.drained();
      if (context.signal.aborted) break;
    }
    return undefined;
  }

  private reportReturned(frameId: number, value: unknown, rawText: boolean): void {
    const { link } = this.services;
    if (!this.repliesWanted) {
      link.done(frameId);
      return link.schedule();
    }
    let body = NO_REPLY;
    try {
      body = encodePayload(value, "the returned value", rawText) as typeof body;
    } catch (error) {
      return this.reportError(frameId, error);
    }
    const frame = link.begin(FrameType.reply);
    frame.u32(frameId);
    frame.bytes(body);
    frame.end();
    link.schedule();
  }

  private reportInvalid(frameId: number, message: string, issues: readonly unknown[]): void {
    this.reportFailed(frameId, { kind: "invalid", message, issues });
  }

  private reportError(frameId: number, thrown: unknown): void {
    const error = serializeError(thrown);
    const verdict = verdictOf(thrown);
    if (verdict?.kind === "give-up") return this.reportFailed(frameId, { kind: "gave-up", error });
    if (verdict?.kind === "retry-later")
      return this.reportFailed(frameId, { kind: "retry-later", error, delayMs: verdict.delayMs });
    if (thrown instanceof NotSerializableError) return this.reportFailed(frameId, { kind: "not-serializable", error });
    this.reportFailed(frameId, { kind: "threw", error });
  }

  private reportFailed(frameId: number, outcome: object): void {
    const { link } = this.services;
    const frame = link.begin(FrameType.failed);
    frame.u32(frameId);
    frame.text(JSON.stringify(outcome));
    frame.end();
    link.schedule();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === "object" && typeof (value as { then?: unknown }).then === "function";
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return value !== null && typeof value === "object" && Symbol.asyncIterator in value;
}
