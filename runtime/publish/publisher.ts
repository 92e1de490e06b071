// What handlers publish and request. Nothing vanishes silently: what cannot be sent is answered with an error.
//
// P1  While disconnected a call waits, at most as long as its own timeout and WAIT_UP_MS.
// P2  After FLUSH_EVERY_BYTES the next publishes wait, in their order, until the server has taken what went before. So many
//     go at once, and no more: the others have their turn in between.
// P3  What a stream takes is published into it: answered when it is stored, and once, however often the call is repeated.
//     What a stream takes for a repetition, of a run that had no forerunner, is told: it is not stored.
// P4  A request whose subject a stream takes is refused: the stream would answer it, with its own acknowledgement.
// P5  A stream that confirms nothing (`no_ack`) is not waited for; its messages carry their id all the same.
// P6  What says for how long it is to be kept is refused where it would be kept for ever, or not at all.
// P7  A request whose worker has ended is given up: it is not sent any more, and its answer not waited for.
// P8  Where no stream takes any subject of a first token, the answer says so: a publish is then handed to the connection and that is
//     all that can be known of it, as with any client of NATS.
// P9  What is carried out together with others is for atomic-outputs.ts.

import type { PubAck } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import { type CallAnswer, type HandlerCall, lasting } from "../message/handler-call.ts";
import { withHeader } from "../message/header-block.ts";
import { publishIdOf } from "../message/message-id.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import { isNoAnswer } from "../nats/jetstream-errors.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import { ReplyInbox } from "../nats/reply-inbox.ts";
import { findOutputStream } from "../streams/output-stream.ts";
import { StreamLookup, type TakingStream } from "../streams/stream-names.ts";
import { AtomicOutputs } from "./atomic-outputs.ts";
import { asTheyAre } from "./message-headers.ts";
import { pubAckOf } from "./pub-ack.ts";
import {
  failedCall,
  givenUp,
  noReply,
  notConnected,
  refusedRequest,
  refusedTtl,
  sizeOf,
  tooLarge,
} from "./refusals.ts";

const WAIT_UP_MS = 5_000;
const PUB_ACK_MS = 5_000;
const PUB_ACK_TRIES = 3;
const BETWEEN_TRIES_MS = 250;
const FLUSH_EVERY_BYTES = 1024 * 1024;
/** What a message costs beside its bytes, as bytes. */
const MESSAGE_BYTES = 1024;
const SENT: CallAnswer = { ok: true, body: new Uint8Array(0) };
/** P8. */
const SENT_AND_REST: CallAnswer = { ...SENT, restUnanswered: true };

export interface PublisherOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  readonly notices: RateLimitedNotices;
}

interface Waiting {
  readonly call: HandlerCall;
  resolve(answer: CallAnswer | Promise<CallAnswer>): void;
}

export class Publisher {
  private readonly options: PublisherOptions;
  private readonly connection: NatsConnection;
  private readonly state: ConnectionState;
  private readonly streams: StreamLookup;
  private readonly replies: ReplyInbox;
  private readonly outputs: AtomicOutputs;
  private sinceFlush = 0;
  private isFlushing = false;
  private waiting: Waiting[] = [];
  private readonly toldUnconfirmed = new Set<string>();

  constructor(options: PublisherOptions) {
    const { connection, clock } = options;
    this.options = options;
    this.connection = connection;
    this.state = new ConnectionState(connection, clock);
    this.streams = new StreamLookup(connection, clock);
    this.replies = new ReplyInbox(options);
    const { state, streams, replies } = this;
    const outputStream = (handler: string) => findOutputStream({ connection, app: options.app, handler });
    this.outputs = new AtomicOutputs({ ...options, state, streams, replies, outputStream });
  }

  /** Never rejects. Codes: 400 a request into a stream, or a `ttl` without one, 413 too large, 409 the stream refuses this one, 507 it takes nothing now, 503 not connected or nobody takes it, 504 no reply in time, else the replier's. */
  call(call: HandlerCall): CallAnswer | Promise<CallAnswer> {
    if (call.together !== undefined) return call.together.carryOut(lasting(call), (calls) => this.outputs.store(calls)); // P9
    return this.publishAtOnce(call) ?? this.callLater(lasting(call));
  }

  /** Most calls need no waiting. Undefined: this one does, or cannot be carried out. */
  private publishAtOnce(call: HandlerCall): CallAnswer | undefined {
    if (call.kind !== "publish" || !this.state.isUp || this.isFlushing) return undefined;
    if (call.isBrief === true || sizeOf(call) > this.maxPayload) return undefined;
    const recalled = this.streams.recall(call.subject);
    if (recalled === undefined || recalled.stream !== undefined) return undefined;
    return this.send(call, recalled.isAlone);
  }

  private async callLater(call: HandlerCall): Promise<CallAnswer> {
    if (sizeOf(call) > this.maxPayload) return tooLarge(call, this.maxPayload);
    if (!this.state.isUp && !(await this.isUp(call))) return notConnected(call);
    const { losses } = this.state;
    try {
      const stream = await this.streamOf(call.subject);
      // The question went with the connection: to take it for a core message would be a guess.
      if (stream === undefined && this.state.losses !== losses) return notConnected(call);
      if (call.kind === "request" && call.gone.aborted) return givenUp(call);
      if (call.kind === "request")
        return stream?.confirms === true ? refusedRequest(call, stream.name) : await this.request(call);
      if (call.isBrief === true && stream?.allowsTtl !== true) return refusedTtl(call, stream?.name);
      if (stream === undefined) return await this.publish(call);
      return stream.confirms ? await this.store(call) : await this.storeUnconfirmed(call, stream);
    } catch (error) {
      return failedCall(call, error);
    }
  }

  /** P1. */
  private isUp({ timeoutMs }: HandlerCall): Promise<boolean> {
    return this.state.up(Math.min(timeoutMs, WAIT_UP_MS));
  }

  /** Where the server cannot be asked, everything is a core message: a stream stores those too, only unconfirmed. */
  private async streamOf(subject: string): Promise<TakingStream | undefined> {
    const recalled = this.streams.recall(subject);
    return recalled === undefined ? this.streams.find(subject).catch(() => undefined) : recalled.stream;
  }

  private publish(call: HandlerCall): CallAnswer | Promise<CallAnswer> {
    if (this.isFlushing) return new Promise((resolve) => this.waiting.push({ call, resolve }));
    if (!this.state.isUp) return this.publishOnceUp(call);
    return this.send(call, this.streams.recall(call.subject)?.isAlone === true);
  }

  /** The client would take the message, and drop it when it is back. */
  private async publishOnceUp(call: HandlerCall): Promise<CallAnswer> {
    return (await this.isUp(call)) ? this.publish(call) : notConnected(call);
  }

  private send(call: HandlerCall, isAlone: boolean): CallAnswer {
    try {
      this.connection.publish(call.subject, call.payload, { headers: asTheyAre(call.headers) });
    } catch (error) {
      return failedCall(call, error);
    }
    this.sinceFlush += sizeOf(call) + MESSAGE_BYTES;
    if (this.sinceFlush > FLUSH_EVERY_BYTES) void this.flush();
    return isAlone ? SENT_AND_REST : SENT;
  }

  /** P3. */
  private async store(call: HandlerCall): Promise<CallAnswer> {
    try {
      await this.storeWithin(PUB_ACK_TRIES, call);
      return SENT;
    } catch (error) {
      this.streams.forget(call.subject);
      // The stream is gone since it was looked up.
      if (isNoAnswer(error) && (await this.streamOf(call.subject)) === undefined) return this.publish(call);
      throw error;
    }
  }

  /** P5. The stream still leaves out what it has stored under this id before. */
  private storeUnconfirmed(call: HandlerCall, { name }: TakingStream): CallAnswer | Promise<CallAnswer> {
    if (!this.toldUnconfirmed.has(name)) {
      this.toldUnconfirmed.add(name);
      const message = `stream "${name}" confirms nothing (no_ack): what is published into it, as to "${call.subject}", is sent without knowing that it was stored`;
      this.options.notices.tell(`unconfirmed ${name}`, "warn", message);
    }
    return this.publish({ ...call, headers: this.withId(call) });
  }

  private async storeWithin(tries: number, call: HandlerCall): Promise<void> {
    const { subject, payload } = call;
    const timeoutMs = Math.min(call.timeoutMs, PUB_ACK_MS);
    const request = { subject, payload, headers: asTheyAre(this.withId(call)), timeoutMs };
    for (let tried = 1; ; tried++) {
      try {
        const reply = await this.replies.request(request);
        if (reply === undefined) throw new errors.TimeoutError();
        const taken = pubAckOf(reply);
        // An earlier try, or an earlier run, may have stored it.
        if (taken.duplicate && tried === 1 && !call.again) this.tellDuplicate(call, taken);
        return;
      } catch (error) {
        const mayBeTaken = error instanceof errors.TimeoutError || isNoAnswer(error);
        if (tried === tries || !mayBeTaken) throw error;
        if (tried > 1) await delay(this.options.clock, BETWEEN_TRIES_MS);
      }
    }
  }

  /** P3. */
  private withId({ headers, messageId }: HandlerCall): Buffer {
    return withHeader(headers, "Nats-Msg-Id", publishIdOf(this.options.app, messageId));
  }

  /** P3. */
  private tellDuplicate({ handler, subject, messageId }: HandlerCall, { stream, seq }: PubAck): void {
    const id = publishIdOf(this.options.app, messageId);
    const message = `handler "${handler}" published to "${subject}", and stream "${stream}" did not store it: it has a message of that id (${id}) already, as ${seq}. So the run was a repeated one that the server did not count, or something else publishes with this id`;
    this.options.notices.tell(`duplicate ${handler} ${subject}`, "warn", message);
  }

  private async request(call: HandlerCall): Promise<CallAnswer> {
    const reply = await this.replies.request({ ...call, headers: asTheyAre(call.headers) });
    if (reply === undefined) return call.gone.aborted ? givenUp(call) : noReply(call);
    const code = reply.headers?.get("Nats-Service-Error-Code") ?? "";
    if (code === "") return { ok: true, body: reply.data };
    const text = reply.headers?.get("Nats-Service-Error") ?? "";
    return {
      ok: false,
      code: Number(code) || 500,
      message: `request to "${call.subject}" was answered with ${code}: ${text}`,
    };
  }

  private async flush(): Promise<void> {
    this.sinceFlush = 0;
    this.isFlushing = true;
    await this.connection.flush().catch(() => undefined); // Disconnected: the next call waits for the connection and says so.
    this.isFlushing = false;
    const { waiting } = this;
    let gone = 0;
    for (; gone < waiting.length && !this.isFlushing; gone++) {
      const { call, resolve } = waiting[gone]!;
      resolve(this.publish(call));
    }
    this.waiting = waiting.slice(gone);
  }

  private get maxPayload(): number {
    return this.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }
}
