// What handlers publish and request. Nothing vanishes silently: what cannot be sent is answered with an error.
//
// P1  While disconnected a call waits, at most as long as its own timeout and WAIT_UP_MS.
// P2  After FLUSH_EVERY_BYTES the next publishes wait, in their order, until the server has taken what went before. So many
//     go at once, and no more: the others have their turn in between.
// P3  What a stream takes is published into it: answered when it is stored, and once, however often the call is repeated.
// P4  A request whose subject a stream takes is refused: the stream would answer it, with its own acknowledgement.

import { JetStreamApiError, type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers as createHeaders, errors, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { type CallAnswer, type HandlerCall, lasting } from "../deliver/handler-call.ts";
import { decodeHeaders } from "../deliver/header-block.ts";
import { ConnectionState } from "./connection-state.ts";
import { isNoAnswer } from "./jetstream-errors.ts";
import { StreamLookup } from "./stream-names.ts";

const WAIT_UP_MS = 5_000;
const PUB_ACK_MS = 5_000;
const PUB_ACK_TRIES = 3;
const FLUSH_EVERY_BYTES = 1024 * 1024;
/** What a message costs beside its bytes, as bytes. */
const MESSAGE_BYTES = 1024;
const SENT: CallAnswer = { ok: true, body: new Uint8Array(0) };

interface Waiting {
  readonly call: HandlerCall;
  resolve(answer: CallAnswer | Promise<CallAnswer>): void;
}

export class Publisher {
  private readonly connection: NatsConnection;
  private readonly state: ConnectionState;
  private readonly streams: StreamLookup;
  private readonly js: JetStreamClient;
  private sinceFlush = 0;
  private isFlushing = false;
  private waiting: Waiting[] = [];

  constructor(connection: NatsConnection, clock: Clock) {
    this.connection = connection;
    this.state = new ConnectionState(connection, clock);
    this.streams = new StreamLookup(connection, clock);
    this.js = jetstream(connection);
  }

  /** Never rejects. Codes: 400 a request into a stream, 413 too large, 507 the stream takes no more, 503 not connected or nobody takes it, 504 no reply in time, else the replier's. */
  call(call: HandlerCall): CallAnswer | Promise<CallAnswer> {
    return this.publishAtOnce(call) ?? this.callLater(lasting(call));
  }

  /** Most calls need no waiting. Undefined: this one does, or cannot be carried out. */
  private publishAtOnce(call: HandlerCall): CallAnswer | undefined {
    if (call.kind !== "publish" || !this.state.isUp || this.isFlushing) return undefined;
    if (sizeOf(call) > this.maxPayload) return undefined;
    const recalled = this.streams.recall(call.subject);
    if (recalled === undefined || recalled.stream !== undefined) return undefined;
    return this.send(call);
  }

  private async callLater(call: HandlerCall): Promise<CallAnswer> {
    if (sizeOf(call) > this.maxPayload) return tooLarge(call, this.maxPayload);
    if (!this.state.isUp && !(await this.isUp(call))) return notConnected(call);
    const { losses } = this.state;
    try {
      const stream = await this.streamOf(call.subject);
      // The question went with the connection: to take it for a core message would be a guess.
      if (stream === undefined && this.state.losses !== losses) return notConnected(call);
      if (call.kind === "request")
        return stream === undefined ? await this.request(call) : refusedRequest(call, stream);
      return stream === undefined ? await this.publish(call) : await this.store(call);
    } catch (error) {
      return failedCall(call, error);
    }
  }

  /** P1. */
  private isUp({ timeoutMs }: HandlerCall): Promise<boolean> {
    return this.state.up(Math.min(timeoutMs, WAIT_UP_MS));
  }

  /** Where the server cannot be asked, everything is a core message: a stream stores those too, only unconfirmed. */
  private async streamOf(subject: string): Promise<string | undefined> {
    const recalled = this.streams.recall(subject);
    return recalled === undefined ? this.streams.find(subject).catch(() => undefined) : recalled.stream;
  }

  private publish(call: HandlerCall): CallAnswer | Promise<CallAnswer> {
    if (this.isFlushing) return new Promise((resolve) => this.waiting.push({ call, resolve }));
    return this.state.isUp ? this.send(call) : this.publishOnceUp(call);
  }

  /** The client would take the message, and drop it when it is back. */
  private async publishOnceUp(call: HandlerCall): Promise<CallAnswer> {
    return (await this.isUp(call)) ? this.publish(call) : notConnected(call);
  }

  private send(call: HandlerCall): CallAnswer {
    try {
      this.connection.publish(call.subject, call.payload, { headers: asTheyAre(call.headers) });
    } catch (error) {
      return failedCall(call, error);
    }
    this.sinceFlush += sizeOf(call) + MESSAGE_BYTES;
    if (this.sinceFlush > FLUSH_EVERY_BYTES) void this.flush();
    return SENT;
  }

  /** P3. */
  private async store(call: HandlerCall): Promise<CallAnswer> {
    try {
      await this.js.publish(call.subject, call.payload, {
        headers: messageHeaders(call.headers),
        msgID: call.messageId,
        timeout: Math.min(call.timeoutMs, PUB_ACK_MS),
        retries: PUB_ACK_TRIES,
      });
      return SENT;
    } catch (error) {
      this.streams.forget(call.subject);
      // The stream is gone since it was looked up.
      if (isNoAnswer(error) && (await this.streamOf(call.subject)) === undefined) return this.publish(call);
      throw error;
    }
  }

  private async request(call: HandlerCall): Promise<CallAnswer> {
    const reply = await this.connection.request(call.subject, call.payload, {
      timeout: call.timeoutMs,
      headers: messageHeaders(call.headers),
    });
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

function sizeOf({ payload, headers }: HandlerCall): number {
  return payload.length + headers.length;
}

function tooLarge(call: HandlerCall, limit: number): CallAnswer {
  const what = `${call.kind} to "${call.subject}": ${sizeOf(call)} bytes`;
  return { ok: false, code: 413, message: `${what} are more than the server takes (max_payload ${limit})` };
}

/** The client asks the headers of a message it publishes for nothing but their encoded form, and that is what we have. */
function asTheyAre(block: Uint8Array): MsgHdrs {
  return { encode: () => block } as unknown as MsgHdrs;
}

export function messageHeaders(block: Uint8Array): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of decodeHeaders(Buffer.from(block))) headers.append(name, value);
  return headers;
}

function notConnected({ kind, subject }: HandlerCall): CallAnswer {
  return { ok: false, code: 503, message: `${kind} to "${subject}": not connected to NATS; nothing was sent` };
}

/** P4. */
function refusedRequest({ subject }: HandlerCall, stream: string): CallAnswer {
  const message = `request to "${subject}": stream "${stream}" takes this subject, and would answer before any handler could. Publish to it, or request a subject that no stream takes`;
  return { ok: false, code: 400, message };
}

function failedCall(call: HandlerCall, error: unknown): CallAnswer {
  const what = `${call.kind} to "${call.subject}"`;
  if (error instanceof JetStreamApiError) {
    return { ok: false, code: 507, message: `${what}: its stream did not take it: "${error.message}" (${error.code})` };
  }
  const cause = error instanceof errors.RequestError ? error.cause : error;
  if (cause instanceof errors.NoRespondersError)
    return { ok: false, code: 503, message: `${what}: nobody takes this subject` };
  if (cause instanceof errors.TimeoutError)
    return {
      ok: false,
      code: 504,
      message: `${what}: no ${call.kind === "publish" ? "confirmation" : "reply"} within ${call.timeoutMs} ms`,
    };
  return { ok: false, code: 500, message: `${what} failed: ${cause instanceof Error ? cause.message : String(cause)}` };
}
