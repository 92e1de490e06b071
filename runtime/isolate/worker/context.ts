// What a handler knows about the message it handles, and what it can do: everything is made when first asked for,
// because most handlers ask for little.

import { parseDuration } from "../../../sdk/duration.ts";
import { publishSubjectProblem } from "../../../sdk/subject.ts";
import { HOPS_HEADER } from "../../deliver/delivery.ts";
import { decodeHeaders, encodeHeaders, type HeaderPairs, headerProblem } from "../../deliver/header-block.ts";
import { traceIdOf } from "../../deliver/trace-context.ts";
import { wildcardsOf } from "../../metadata/subject.ts";
import { FrameType, type StartRequest } from "../protocol.ts";
import { Confirmation, Publishes } from "./confirmation.ts";
import { ReceivedHeaders } from "./headers.ts";
import type { Link, PendingCall } from "./link.ts";
import { createLog, type Log } from "./log.ts";
import type { OwnTelemetry } from "./own-telemetry.ts";
import { assertSendable, decodePayload, textOrBytes } from "./payload.ts";
import { traceHeaders } from "./trace-headers.ts";

export interface Arrival {
  /** Number of this hand-over, for frames. */
  readonly frameId: number;
  readonly seq: number;
  readonly attempt: number;
  readonly subject: string;
  /** A copy: it may be read long after the batch is gone. */
  readonly headerBytes: Buffer | undefined;
  /** Where in its frame the payload begins. */
  readonly payloadStart: number;
}

/** What a delivery needs of the worker it runs in. */
export interface WorkerServices {
  readonly link: Link;
  readonly start: StartRequest;
  readonly handler: string;
  /** The author's own, where there is any. */
  readonly telemetry: OwnTelemetry | undefined;
}

type HeadersInput = Readonly<Record<string, string | readonly string[]>>;
type Target = string | { readonly subject: string };

interface SendOptions {
  readonly headers?: HeadersInput;
  readonly timeout?: string;
}

const NO_PAIRS: HeaderPairs = [];
const NO_OPTIONS: SendOptions = {};
/** Of what is published by a handler whose own message had no headers: most of all. */
const FIRST_HOP = encodeHeaders([[HOPS_HEADER, "1"]]);
/** Most handlers publish to one subject: what was found good last need not be looked at again. */
let goodSubject = "";

export class DeliveryContext {
  private readonly arrival: Arrival;
  private readonly services: WorkerServices;
  private calls = 0;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;
  private received: ReceivedHeaders | undefined;
  private ownLog: Log | undefined;
  private parts: readonly string[] | undefined;
  private publishes: Publishes | undefined;
  /** Headers of everything published without any of its own. */
  private passedOn: Buffer | undefined;

  constructor(arrival: Arrival, services: WorkerServices) {
    this.arrival = arrival;
    this.services = services;
  }

  get subject(): string {
    return this.arrival.subject;
  }

  get wildcards(): readonly string[] {
    this.parts ??= wildcardsOf(this.services.start.subject, this.arrival.subject);
    return this.parts;
  }

  get headers(): ReceivedHeaders {
    const bytes = this.arrival.headerBytes;
    this.received ??= new ReceivedHeaders(bytes === undefined ? NO_PAIRS : decodeHeaders(bytes));
    return this.received;
  }

  get id(): string {
    return `${this.services.start.idPrefix}${this.arrival.seq}`;
  }

  get attempt(): number {
    return this.arrival.attempt;
  }

  get attempts(): number {
    return this.services.start.attempts;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  get log(): Log {
    this.ownLog ??= createLog(this.services.link, () => ({ id: this.id, attempt: this.attempt, ...this.trace() }));
    return this.ownLog;
  }

  // Getters, so that `const { publish } = ctx` works and costs nothing when nobody publishes.
  get publish() {
    return (target: Target, data: unknown, options: SendOptions = NO_OPTIONS) => this.publishNow(target, data, options);
  }

  get request() {
    return (target: Target, data?: unknown, options: SendOptions = NO_OPTIONS) =>
      this.requestNow(target, data, options);
  }

  get hasUnconfirmed(): boolean {
    return this.publishes !== undefined && !this.publishes.areSettled;
  }

  /** Looked for only when something is logged. */
  private trace(): { traceId?: string } {
    if (this.arrival.headerBytes === undefined) return {};
    const traceId = traceIdOf(this.headers.get("traceparent"));
    return traceId === undefined ? {} : { traceId };
  }

  private publishNow(target: Target, data: unknown, options: SendOptions): Promise<void> {
    this.publishes ??= new Publishes();
    const confirmation = new Confirmation(this.publishes);
    this.call(confirmation, target, data, options);
    this.publishes.begun();
    return confirmation;
  }

  private async requestNow(target: Target, data: unknown, options: SendOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.call({ type: FrameType.request, answered: resolve, refused: reject }, target, data, options);
    const body = await promise;
    const decoded = decodePayload(body, 0, body.length, false);
    return decoded.kind === "unreadable" ? undefined : decoded.value;
  }

  /** Resolves when no publish is on its way any more. Rejects as soon as one has failed that nobody awaited. */
  async allConfirmed(): Promise<void> {
    await this.publishes?.settled();
  }

  abort(reason: Error): void {
    this.abortReason = reason;
    this.controller?.abort(reason);
  }

  private call(pending: PendingCall, target: Target, data: unknown, options: SendOptions): void {
    const subject = typeof target === "string" ? target : target.subject;
    if (subject !== goodSubject) assertSubject(subject);
    const { link, start } = this.services;
    const timeoutMs = options.timeout === undefined ? start.timeoutMs : readTimeout(options.timeout);
    // Encoded before the frame begins: a value that does not serialise must not leave half a frame behind.
    const what = `the data published to "${subject}"`;
    const payload = textOrBytes(data, what);
    const headers = this.headersOf(options);
    assertSendable(payload.length + headers.length, `${what}, its headers included,`);
    const frame = link.call(pending);
    frame.u32(timeoutMs);
    frame.u53(this.arrival.seq);
    frame.u32(++this.calls);
    frame.shortText(subject);
    frame.block(headers);
    if (typeof payload === "string") frame.text(payload);
    else frame.bytes(payload);
    frame.end();
    link.schedule();
  }

  private headersOf({ headers }: SendOptions): Buffer {
    if (headers !== undefined || this.services.telemetry !== undefined)
      return encodeHeaders(this.outgoingHeaders(headers));
    if (this.arrival.headerBytes === undefined) return FIRST_HOP;
    this.passedOn ??= encodeHeaders(this.outgoingHeaders());
    return this.passedOn;
  }

  private *outgoingHeaders(own: HeadersInput = {}): Generator<[string, string]> {
    for (const [name, given] of Object.entries(own)) {
      for (const value of typeof given === "string" ? [given] : given) {
        const problem = headerProblem(name, String(value));
        if (problem !== undefined) throw new TypeError(problem);
        yield [name, String(value)];
      }
    }
    const inherits = this.arrival.headerBytes !== undefined;
    yield [HOPS_HEADER, String((inherits ? Number(this.headers.get(HOPS_HEADER) ?? 0) : 0) + 1)];
    const active = this.services.telemetry?.current();
    if (active?.has("traceparent")) yield* traceHeaders(active, own);
    else if (inherits) yield* traceHeaders(this.headers, own);
  }
}

function assertSubject(subject: string): void {
  const problem = publishSubjectProblem(subject);
  if (problem !== undefined) throw new TypeError(`cannot publish to ${JSON.stringify(subject)}: ${problem}`);
  goodSubject = subject;
}

function readTimeout(text: string): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs === undefined) throw new TypeError(`timeout ${JSON.stringify(text)} is not a duration such as "5s"`);
  return timeoutMs;
}
