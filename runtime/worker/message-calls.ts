// What a run of a handler sends: publishes and requests, and the numbers that their message ids are made of.

import type { EffectsPort, PreparedMessage } from "../../sdk/effects-port.ts";
import { TTL_HEADER } from "../../sdk/message-ttl.ts";
import { readIssues } from "../../sdk/schema-issues.ts";
import type { Later } from "../message/handler-call.ts";
import { withHeader } from "../message/header-block.ts";
import { isUnavailable, UNAVAILABLE } from "../message/unavailable.ts";
import { writeLater, writeTogether } from "../wire/call-frame.ts";
import { FrameType, type FrameWriter, type StartRequest } from "../wire/protocol.ts";
import type { Arrival } from "./arrival.ts";
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
import type { Deferral } from "./deferral.ts";
import { assertSendable, textOrBytes } from "./encode-payload.ts";
import type { ReceivedHeaders } from "./headers.ts";
import { KeptOutputs, notAtomic, type Output, tooLate } from "./kept-outputs.ts";
import type { ContextLink, PendingCall } from "./link.ts";
import { schemaIn } from "./load.ts";
import { packetFor, responseOf } from "./nest-calls.ts";
import { FIRST_HOP, outgoingHeaders } from "./outgoing-headers.ts";
import type { OwnTelemetry } from "./own-telemetry.ts";
import { asNoPart, callOfPart, isPartOf } from "./part-calls.ts";
import type { RequestTurn, RequestTurns } from "./request-turns.ts";

/** What the calls of a run need of whoever runs it. */
export interface CallsDeps {
  readonly link: ContextLink;
  readonly start: StartRequest;
  readonly handler: string;
  /** The author's own, where there is any. */
  readonly telemetry: OwnTelemetry | undefined;
  /** Of all its deliveries together. */
  readonly requests: RequestTurns;
}

/** Whose calls they are: what it knows is looked at when it is needed. */
export interface CallingRun {
  readonly id: string;
  readonly headers: ReceivedHeaders;
  readonly deferral: Deferral | undefined;
  readonly isAborted: boolean;
}

export const NO_OPTIONS: SendOptions = {};
const KEPT = Promise.resolve();

/**
 * Of a delivery's publishes each such is answered, though its like need not be: who publishes in a loop gives way, and is not faster
 * than NATS.
 */
const ANSWERED_EVERY = 16;
/** Bytes that go without an answer; a longer message may be too long for NATS. */
const MOST_UNANSWERED = 16 * 1024;

export class MessageCalls {
  private readonly run: CallingRun;
  private readonly arrival: Arrival;
  private readonly services: CallsDeps;
  private calls = 0;
  private publishes: Publishes | undefined;
  /** With `outputs: "atomic"`. */
  private readonly outputs: KeptOutputs | undefined;
  /** Headers of everything published without any of its own. */
  private passedOn: Buffer | undefined;

  constructor(run: CallingRun, arrival: Arrival, services: CallsDeps) {
    this.run = run;
    this.arrival = arrival;
    this.services = services;
    this.outputs = services.start.outputs === "atomic" ? new KeptOutputs() : undefined;
  }

  get hasUnconfirmed(): boolean {
    return this.outputs?.isEmpty === false || (this.publishes !== undefined && !this.publishes.areSettled);
  }

  /** What `effect` needs besides (sdk/effect.ts). */
  get effects(): EffectsPort {
    const { app, kind } = this.services.start;
    return {
      app,
      kind,
      handler: this.services.handler,
      reserve: (count) => this.reserve(count),
      prepare: (target, data, options = {}) => this.asCall(this.calls, () => this.prepared(target, data, options)),
      publishAs: (call, { subject, payload }, options) =>
        this.asCall(call, () => this.publish(subject, payload, options, true)),
    };
  }

  publish(target: Target, data: unknown, options: PublishOptions, isAnswered = false): Promise<void> {
    const { later, ttl } = options === NO_OPTIONS ? AT_ONCE : readPublishOptions(options, Date.now());
    const isNest = options !== NO_OPTIONS && options.envelope === "nest";
    const outgoing = this.encode(target, isNest ? packetFor(subjectOf(target), data) : data, options, ttl);
    // What an effect has left in its outbox leaves at once: it is of an earlier version of the handler.
    if (this.outputs !== undefined && !isAnswered) return this.keepBack(this.outputs, outgoing, later);
    const { publish, publishLater, publishBriefly } = FrameType;
    const type = later !== undefined ? publishLater : ttl !== undefined ? publishBriefly : publish;
    if (type === publish && !isAnswered && this.goesUnanswered(outgoing)) return this.services.link.written();
    this.publishes ??= new Publishes();
    const confirmation = new Confirmation(this.publishes, type);
    this.send(confirmation, outgoing, outgoing.timeoutMs, later);
    this.publishes.begun();
    return confirmation;
  }

  async request(target: Target, data: unknown, options: RequestOptions): Promise<unknown> {
    const isNest = options !== NO_OPTIONS && readRequestOptions(options) === "nest";
    const sent = isNest ? packetFor(subjectOf(target), data, `${this.run.id}:${this.calls + 1}`) : data;
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
    if (this.outputs?.isEmpty === false && this.run.isAborted) throw tooLate();
    await this.outputs?.send((output, count) => this.sendTogether(output, count));
  }

  private keepBack(outputs: KeptOutputs, outgoing: Output, later: Later | undefined): Promise<void> {
    const { subject } = outgoing;
    if (later !== undefined)
      throw notAtomic(subject, "what leaves later is not stored with the rest: leave out `delay` and `at`");
    if (isPartOf(this.run))
      throw notAtomic(subject, "a later run would leave out this part, and what it publishes: publish after ctx.once");
    outputs.keep(outgoing);
    return KEPT;
  }

  private sendTogether(output: Output, count: number): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const refused = (error: Error & { readonly code?: number }) => {
      if (isUnavailable(error.code ?? 0)) error.name = UNAVAILABLE;
      reject(error);
    };
    const frame = this.services.link.call({ type: FrameType.publishTogether, answered: resolve, refused });
    writeTogether(frame, this.arrival.frameId, count);
    this.write(frame, output, output.timeoutMs);
    return promise;
  }

  /** So many numbers of calls, from the one that is given on. */
  reserve(count: number): number {
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
    if (this.outputs !== undefined) {
      const why = "the outbox of an effect is emptied before the function has returned: use ctx.publish";
      throw notAtomic(subjectOf(target), why);
    }
    const { ttl } = readPublishOptions(options, Date.now());
    const sent = options.envelope === "nest" ? packetFor(subjectOf(target), data) : data;
    const { subject, payload } = this.encode(target, sent, options, ttl);
    return { subject, payload: typeof payload === "string" ? Buffer.from(payload, "utf8") : payload };
  }

  /** True: it is on its way, and its delivery ends badly should it not leave after all. */
  private goesUnanswered(outgoing: Output): boolean {
    const { link, start } = this.services;
    const { headers, payload, count, subject, timeoutMs } = outgoing;
    if (count % ANSWERED_EVERY === 0 || headers.length + payload.length > MOST_UNANSWERED || start.batches === true)
      return false;
    // What a part of a run publishes is out before it is kept that the part has run; what is deferred may publish after its end.
    if (isPartOf(this.run) || this.run.deferral !== undefined) return false;
    const frame = link.publishUnanswered(this.arrival.frameId, subject);
    if (frame === undefined) return false;
    this.write(frame, outgoing, timeoutMs);
    return true;
  }

  /** Resolves with the reply. It may have to wait for its turn first. */
  private ask(outgoing: Output): Promise<Buffer> {
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
  private encode(target: Target, data: unknown, options: SendOptions, ttl?: string): Output {
    const subject = subjectOf(target);
    assertSubject(subject);
    const timeoutMs = options.timeout === undefined ? this.services.start.timeoutMs : readTimeout(options.timeout);
    const what = `the data published to "${subject}"`;
    const payload = textOrBytes(data, what);
    const own = this.headersOf(options);
    const headers = ttl === undefined ? own : withHeader(own, TTL_HEADER, ttl);
    assertSendable(payload.length + headers.length, `${what}, its headers included,`);
    return { subject, timeoutMs, headers, payload, count: callOfPart(this.run) ?? ++this.calls };
  }

  private send(pending: PendingCall, outgoing: Output, timeoutMs: number, later?: Later): void {
    const frame = this.services.link.call(pending);
    if (later !== undefined) writeLater(frame, later);
    this.write(frame, outgoing, timeoutMs);
  }

  private write(frame: FrameWriter, { subject, headers, payload, count }: Output, timeoutMs: number): void {
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
    const received = this.arrival.headerBytes === undefined ? undefined : this.run.headers;
    if (headers !== undefined || this.services.telemetry !== undefined)
      return outgoingHeaders(this.services, received, headers);
    if (received === undefined) return FIRST_HOP;
    this.passedOn ??= outgoingHeaders(this.services, received);
    return this.passedOn;
  }
}
