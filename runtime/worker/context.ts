// What a handler knows about the message it handles, and what it can do: everything is made when first asked for,
// because most handlers ask for little.

import type { DeferOptions } from "../../sdk/defer.ts";
import { EFFECTS, type EffectsPort, type PreparedMessage } from "../../sdk/effects-port.ts";
import { TTL_HEADER } from "../../sdk/message-ttl.ts";
import type { OnceGiven } from "../../sdk/once.ts";
import { readIssues } from "../../sdk/schema-issues.ts";
import type { BucketOptions } from "../../sdk/stores.ts";
import { REPLAYED_HEADER, SCHEDULED_FOR_HEADER } from "../message/delivery.ts";
import type { Later } from "../message/handler-call.ts";
import { decodeHeaders, type HeaderPairs, withHeader } from "../message/header-block.ts";
import { largeHeaderIn } from "../message/large-content.ts";
import { deliveryIdOf } from "../message/message-id.ts";
import { traceIdOf } from "../message/trace-context.ts";
import { claimOn } from "../metadata/claims.ts";
import { wildcardsOf } from "../metadata/subject.ts";
import { writeLater } from "../wire/call-frame.ts";
import { FrameType, type FrameWriter, type StartRequest } from "../wire/protocol.ts";
import { noTurn, unfitReply, unreadableReply } from "./call-errors.ts";
import {
  AT_ONCE,
  type PublishOptions,
  type RequestOptions,
  readPublishOptions,
  readRequestOptions,
  readTimeout,
  type SendOptions,
} from "./call-options.ts";
import { assertSubject, subjectOf, type Target } from "./call-target.ts";
import { Confirmation, Publishes } from "./confirmation.ts";
import { decodePayload } from "./decode-payload.ts";
import { type Deferral, deferral } from "./deferral.ts";
import { assertSendable, textOrBytes } from "./encode-payload.ts";
import { ReceivedHeaders } from "./headers.ts";
import { type FetchedContent, fetchLargeContent } from "./large-content.ts";
import type { ContextLink, PendingCall } from "./link.ts";
import { schemaIn } from "./load.ts";
import { createLog, type Log } from "./log.ts";
import { packetFor, responseOf } from "./nest-calls.ts";
import { once } from "./once.ts";
import { FIRST_HOP, outgoingHeaders } from "./outgoing-headers.ts";
import type { OwnTelemetry } from "./own-telemetry.ts";
import { asNoPart, callOfPart, isPartOf } from "./part-calls.ts";
import type { RequestTurn, RequestTurns } from "./request-turns.ts";
import { MessageStores } from "./stores.ts";

export interface Arrival {
  /** Number of this hand-over, for frames. */
  readonly frameId: number;
  readonly seq: number;
  readonly origin: number;
  readonly storedAtMs: number | undefined;
  readonly again: boolean;
  readonly attempt: number;
  readonly subject: string;
  /** A copy: it may be read long after the batch is gone. */
  readonly headerBytes: Buffer | undefined;
  /** Where in its frame the payload begins. */
  readonly payloadStart: number;
}

/** What a delivery's context needs of whoever runs it. */
export interface ContextDeps {
  readonly link: ContextLink;
  readonly start: StartRequest;
  readonly handler: string;
  /** The author's own, where there is any. */
  readonly telemetry: OwnTelemetry | undefined;
  /** Of all its deliveries together. */
  readonly requests: RequestTurns;
}

/** A message to be sent, encoded. */
interface Outgoing {
  readonly subject: string;
  readonly timeoutMs: number;
  readonly headers: Buffer;
  readonly payload: string | Uint8Array;
  /** Of the delivery's calls, counted from 1. */
  readonly count: number;
}

const NO_PAIRS: HeaderPairs = [];
const NO_OPTIONS: SendOptions = {};
/**
 * Of a delivery's publishes each such is answered, though its like need not be: who publishes in a loop gives way, and is not faster
 * than NATS.
 */
const ANSWERED_EVERY = 16;
/** Bytes that go without an answer; a longer message may be too long for NATS. */
const MOST_UNANSWERED = 16 * 1024;

export class DeliveryContext {
  protected readonly arrival: Arrival;
  protected readonly services: ContextDeps;
  private calls = 0;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;
  private received: ReceivedHeaders | undefined;
  private ownLog: Log | undefined;
  private parts: readonly string[] | undefined;
  private publishes: Publishes | undefined;
  private laterEnd: Deferral | undefined;
  /** Headers of everything published without any of its own. */
  private passedOn: Buffer | undefined;

  constructor(arrival: Arrival, services: ContextDeps) {
    this.arrival = arrival;
    this.services = services;
  }

  get subject(): string {
    return this.arrival.subject;
  }

  get wildcards(): readonly string[] {
    const { subject } = this.arrival;
    this.parts ??= wildcardsOf(claimOn(this.services.start.subjects, subject) ?? subject, subject);
    return this.parts;
  }

  get headers(): ReceivedHeaders {
    const bytes = this.arrival.headerBytes;
    this.received ??= new ReceivedHeaders(bytes === undefined ? NO_PAIRS : decodeHeaders(bytes));
    return this.received;
  }

  get id(): string {
    return deliveryIdOf(this.services.start.idPrefixes, this.arrival);
  }

  get scheduledFor(): Date | undefined {
    if (this.arrival.headerBytes === undefined) return undefined;
    const atMs = Date.parse(this.headers.get(SCHEDULED_FOR_HEADER) ?? "");
    return Number.isNaN(atMs) ? undefined : new Date(atMs);
  }

  get replayed(): boolean {
    return this.arrival.headerBytes !== undefined && this.headers.has(REPLAYED_HEADER);
  }

  get attempt(): number {
    return this.arrival.attempt;
  }

  get attempts(): number {
    return this.services.start.attempts;
  }

  /** It has no content that could be decoded: what it tells of is gone (change-context.ts). */
  get isRemoval(): boolean {
    return false;
  }

  get shadow(): boolean {
    return this.services.start.shadow === true;
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
    return (target: Target, data: unknown, options: PublishOptions = NO_OPTIONS) =>
      this.publishNow(target, data, options);
  }

  get request() {
    return (target: Target, data?: unknown, options: RequestOptions = NO_OPTIONS) =>
      this.requestNow(target, data, options);
  }

  /** What `effect` needs besides (sdk/effect.ts). */
  get [EFFECTS](): EffectsPort {
    const { app, kind } = this.services.start;
    return {
      app,
      kind,
      handler: this.services.handler,
      reserve: (count) => this.reserve(count),
      prepare: (target, data, options = {}) => this.asCall(this.calls, () => this.prepared(target, data, options)),
      publishAs: (call, { subject, payload }, options) =>
        this.asCall(call, () => this.publishNow(subject, payload, options, true)),
    };
  }

  get kv() {
    return (bucket: string, options?: BucketOptions) => this.stores().kv(bucket, options);
  }

  get objects() {
    return (bucket: string, options?: BucketOptions) => this.stores().objects(bucket, options);
  }

  get once() {
    return (name: string, part: (given: OnceGiven) => unknown) =>
      once(this, name, part, {
        ...{ ...this.services, id: this.id, stores: this.stores() },
        reserve: (count) => this.reserve(count),
      });
  }

  get defer() {
    return (options: DeferOptions) => {
      const { handler, start } = this.services;
      this.laterEnd = deferral(options, { handler, cannotDefer: start.cannotDefer, before: this.laterEnd });
      return this.laterEnd.handle;
    };
  }

  /** Undefined: it ends with its function. */
  get deferral(): Deferral | undefined {
    return this.laterEnd;
  }

  get isAborted(): boolean {
    return this.abortReason !== undefined;
  }

  /** Of a message whose content is kept elsewhere. */
  get elsewhere(): string | undefined {
    return this.arrival.headerBytes && largeHeaderIn(this.arrival.headerBytes);
  }

  fetchElsewhere(header: string): Promise<FetchedContent> {
    return fetchLargeContent(header, this.stores());
  }

  get hasUnconfirmed(): boolean {
    return this.publishes !== undefined && !this.publishes.areSettled;
  }

  private stores(): MessageStores {
    return new MessageStores(this.services, this.id);
  }

  /** Looked for only when something is logged. */
  private trace(): { traceId?: string } {
    if (this.arrival.headerBytes === undefined) return {};
    const traceId = traceIdOf(this.headers.get("traceparent"));
    return traceId === undefined ? {} : { traceId };
  }

  /** So many numbers of calls, from the one that is given on. */
  private reserve(count: number): number {
    const first = this.calls + 1;
    this.calls += count;
    return first;
  }

  /** What is called in `act` has that number, and what is called after it the next of the run. */
  private asCall<T>(call: number, act: () => T): T {
    const { calls } = this;
    this.calls = call - 1;
    try {
      return asNoPart(act);
    } finally {
      this.calls = calls;
    }
  }

  /** Read and encoded as it will be when it is published, so that nothing is refused then that could have been refused now. */
  private prepared(target: Target, data: unknown, options: PublishOptions): PreparedMessage {
    const { ttl } = readPublishOptions(options, Date.now());
    const sent = options.envelope === "nest" ? packetFor(subjectOf(target), data) : data;
    const { subject, payload } = this.encode(target, sent, options, ttl);
    return { subject, payload: typeof payload === "string" ? Buffer.from(payload, "utf8") : payload };
  }

  private publishNow(target: Target, data: unknown, options: PublishOptions, isAnswered = false): Promise<void> {
    const { later, ttl } = options === NO_OPTIONS ? AT_ONCE : readPublishOptions(options, Date.now());
    const isNest = options !== NO_OPTIONS && options.envelope === "nest";
    const outgoing = this.encode(target, isNest ? packetFor(subjectOf(target), data) : data, options, ttl);
    const { publish, publishLater, publishBriefly } = FrameType;
    const type = later !== undefined ? publishLater : ttl !== undefined ? publishBriefly : publish;
    if (type === publish && !isAnswered && this.goesUnanswered(outgoing)) return this.services.link.written();
    this.publishes ??= new Publishes();
    const confirmation = new Confirmation(this.publishes, type);
    this.send(confirmation, outgoing, outgoing.timeoutMs, later);
    this.publishes.begun();
    return confirmation;
  }

  /** True: it is on its way, and its delivery ends badly should it not leave after all. */
  private goesUnanswered(outgoing: Outgoing): boolean {
    const { link, start } = this.services;
    const { headers, payload, count, subject, timeoutMs } = outgoing;
    if (count % ANSWERED_EVERY === 0 || headers.length + payload.length > MOST_UNANSWERED || start.batches === true)
      return false;
    // What a part of a run publishes is out before it is kept that the part has run; what is deferred may publish after its end.
    if (isPartOf(this) || this.laterEnd !== undefined) return false;
    const frame = link.publishUnanswered(this.arrival.frameId, subject);
    if (frame === undefined) return false;
    this.write(frame, outgoing, timeoutMs);
    return true;
  }

  private async requestNow(target: Target, data: unknown, options: RequestOptions): Promise<unknown> {
    const isNest = options !== NO_OPTIONS && readRequestOptions(options) === "nest";
    const sent = isNest ? packetFor(subjectOf(target), data, `${this.id}:${this.calls + 1}`) : data;
    const outgoing = this.encode(target, sent, options);
    // Bytes are the author's, who may change them before they have their turn.
    const payload = typeof outgoing.payload === "string" ? outgoing.payload : outgoing.payload.slice();
    const bytes = await this.ask({ ...outgoing, payload });
    const content = { bytes, start: 0, end: bytes.length, contentType: undefined };
    const decoded = decodePayload(content, options.payload ?? "json");
    if (decoded.kind === "unreadable") throw unreadableReply(subjectOf(target), decoded.message);
    const value = isNest ? responseOf(subjectOf(target), decoded.value) : decoded.value;
    const reply = typeof target === "string" ? undefined : schemaIn(target.reply);
    if (reply === undefined) return value;
    const result = await reply["~standard"].validate(value);
    if (result.issues === undefined) return result.value;
    throw unfitReply(subjectOf(target), readIssues(result.issues));
  }

  /** Resolves when no publish is on its way any more. Rejects as soon as one has failed that nobody awaited. */
  async allConfirmed(): Promise<void> {
    await this.publishes?.settled();
  }

  abort(reason: Error): void {
    this.abortReason = reason;
    this.controller?.abort(reason);
  }

  /** Resolves with the reply. It may have to wait for its turn first. */
  private ask(outgoing: Outgoing): Promise<Buffer> {
    const { requests } = this.services;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const { subject, timeoutMs, payload, headers } = outgoing;
    const turn: RequestTurn = {
      bytes: payload.length + headers.length,
      timeoutMs,
      begin: (leftMs) => {
        const ended = () => requests.leave(turn.bytes);
        const pending: PendingCall = { type: FrameType.request, answered: resolve, refused: reject };
        this.send(pending, outgoing, leftMs);
        promise.then(ended, ended);
      },
      expired: () => reject(noTurn(subject, timeoutMs)),
    };
    requests.enter(turn);
    return promise;
  }

  /** Throws for what cannot be sent. */
  private encode(target: Target, data: unknown, options: SendOptions, ttl?: string): Outgoing {
    const subject = subjectOf(target);
    assertSubject(subject);
    const timeoutMs = options.timeout === undefined ? this.services.start.timeoutMs : readTimeout(options.timeout);
    const what = `the data published to "${subject}"`;
    const payload = textOrBytes(data, what);
    const own = this.headersOf(options);
    const headers = ttl === undefined ? own : withHeader(own, TTL_HEADER, ttl);
    assertSendable(payload.length + headers.length, `${what}, its headers included,`);
    return { subject, timeoutMs, headers, payload, count: callOfPart(this) ?? ++this.calls };
  }

  private send(pending: PendingCall, outgoing: Outgoing, timeoutMs: number, later?: Later): void {
    const frame = this.services.link.call(pending);
    if (later !== undefined) writeLater(frame, later);
    this.write(frame, outgoing, timeoutMs);
  }

  private write(frame: FrameWriter, { subject, headers, payload, count }: Outgoing, timeoutMs: number): void {
    frame.u32(timeoutMs);
    frame.u53(this.arrival.seq);
    frame.u53(this.arrival.storedAtMs ?? 0);
    frame.u8(this.arrival.origin);
    frame.u8(this.arrival.again ? 1 : 0);
    frame.u32(count);
    frame.shortText(subject);
    frame.block(headers);
    if (typeof payload === "string") frame.text(payload);
    else frame.bytes(payload);
    frame.end();
    this.services.link.schedule();
  }

  private headersOf({ headers }: SendOptions): Buffer {
    const received = this.arrival.headerBytes === undefined ? undefined : this.headers;
    if (headers !== undefined || this.services.telemetry !== undefined)
      return outgoingHeaders(this.services, received, headers);
    if (received === undefined) return FIRST_HOP;
    this.passedOn ??= outgoingHeaders(this.services, received);
    return this.passedOn;
  }
}
