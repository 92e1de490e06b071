// What one run of a handler with `outputs: "atomic"` has published: stored as one batch (nats-server 2.12), beside a mark of the message
// that was handled.
//
// S1  The mark is the first of its subject, or nothing is stored: the message was handled before, and its outputs are there. That is
//     answered as if they had been stored now. However much later it comes: it needs no window of message ids.
// S2  A batch that is not confirmed is sent again under another id: had it been stored, its mark is there (S1).
// S3  Nothing is sent where the stream might store a part of it: another server, another stream, no batches.
// S4  An output that another stream takes, or none, is refused, and all others with it.
// S5  So many batches are under way and no more: a stream has 50 at a time, for all who publish into it.
// S6  A mark is kept for KEPT_DAYS where its stream lets messages say so; else, and at most, as long as the stream keeps its messages.

import { randomUUID } from "node:crypto";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { TTL_HEADER } from "../../sdk/message-ttl.ts";
import { type Clock, delay } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { CallAnswer, HandlerCall } from "../message/handler-call.ts";
import { encodeHeaders, withHeader } from "../message/header-block.ts";
import { callersMessageOf } from "../message/message-id.ts";
import { matches } from "../metadata/subject.ts";
import type { ConnectionState } from "../nats/connection-state.ts";
import { ApiCode, isApiError, isNoAnswer } from "../nats/jetstream-errors.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import type { ReplyInbox } from "../nats/reply-inbox.ts";
import { WriteTurns } from "../nats/write-turns.ts";
import { whyNoBatches } from "../streams/atomic-batches.ts";
import { type OutputStream, outputMark } from "../streams/output-stream.ts";
import type { StreamLookup } from "../streams/stream-names.ts";
import { asTheyAre } from "./message-headers.ts";
import { pubAckOf } from "./pub-ack.ts";
import { failedCall, notConnected, refusedTtl, sizeOf, tooLarge } from "./refusals.ts";

const WAIT_UP_MS = 5_000;
const CONFIRMED_MS = 5_000;
const TRIES = 3;
const BETWEEN_TRIES_MS = 250;
const FRESH_MS = 5_000;
const MOST_AT_A_TIME = 16;
/** As long as what `ctx.once` gave. */
const KEPT_DAYS = 40;
const MARK_TTL = `${KEPT_DAYS * 86_400}s`;
/** What comes with a message of a batch. */
const BATCH_HEADER_BYTES = 128;
const STORED: CallAnswer = { ok: true, body: new Uint8Array(0) };
const NO_PAYLOAD = new Uint8Array(0);

export interface AtomicOutputsOptions {
  readonly connection: Pick<NatsConnection, "info" | "publish">;
  readonly app: string;
  readonly clock: Clock;
  readonly notices: RateLimitedNotices;
  readonly state: Pick<ConnectionState, "isUp" | "up">;
  /** The stream of a handler's outputs. Rejects with a RuntimeError. */
  readonly outputStream: (handler: string) => Promise<OutputStream>;
  readonly streams: Pick<StreamLookup, "find">;
  readonly replies: Pick<ReplyInbox, "request">;
}

interface Mark {
  readonly subject: string;
  readonly headers: Buffer;
}

export class AtomicOutputs {
  private readonly options: AtomicOutputsOptions;
  private readonly turns = new WriteTurns(MOST_AT_A_TIME);
  /** By handler. */
  private readonly known = new Map<string, { readonly atMs: number; readonly stream: OutputStream }>();

  constructor(options: AtomicOutputsOptions) {
    this.options = options;
  }

  /**
   * All calls of one run, at least one. Never rejects. Codes: 400 one of them is not for the stream, 413 one is too large, 409 the stream
   * refuses them, 503 not connected, 504 not confirmed in time, 507 the stream takes no outputs now.
   */
  async store(calls: readonly HandlerCall[]): Promise<CallAnswer> {
    const [first] = calls as [HandlerCall];
    const { app, state } = this.options;
    const mark = outputMark(app, first.handler, callersMessageOf(first.messageId, first.handler, first.subject));
    try {
      if (!state.isUp && !(await state.up(Math.min(first.timeoutMs, WAIT_UP_MS)))) return notConnected(first);
      const stream = await this.streamOf(first.handler);
      const refusal = await this.refusalOf(calls, stream);
      if (refusal !== undefined) return refusal;
      await this.turns.run(() => this.storeWithin(TRIES, calls, markOf(mark, stream)));
      return STORED;
    } catch (error) {
      this.known.delete(first.handler);
      return error instanceof RuntimeError ? notNow(error) : failedCall(first, error);
    }
  }

  /** S3. Rejects with a RuntimeError. */
  private async streamOf(handler: string): Promise<OutputStream> {
    const { clock, outputStream } = this.options;
    const nowMs = clock.monotonicMs();
    const known = this.known.get(handler);
    if (known !== undefined && nowMs - known.atMs <= FRESH_MS) return known.stream;
    const stream = await outputStream(handler);
    this.known.set(handler, { atMs: nowMs, stream });
    return stream;
  }

  /** S4. */
  private async refusalOf(calls: readonly HandlerCall[], stream: OutputStream): Promise<CallAnswer | undefined> {
    const { connection, streams } = this.options;
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    for (const call of calls) {
      if (sizeOf(call) + BATCH_HEADER_BYTES > most) return tooLarge(call, most);
      if (!stream.subjects.some((pattern) => matches(pattern, call.subject)))
        return strayOutput(call, stream.name, (await streams.find(call.subject))?.name);
      if (!stream.allowsTtl && hasTtl(call)) return refusedTtl(call, stream.name);
    }
    return undefined;
  }

  /** S1, S2. */
  private async storeWithin(tries: number, calls: readonly HandlerCall[], mark: Mark): Promise<void> {
    const [first] = calls as [HandlerCall];
    for (let tried = 1; ; tried++) {
      try {
        await this.send(calls, mark);
        return;
      } catch (error) {
        if (isApiError(error, ApiCode.wrongLastSequence, ApiCode.wrongLastSequenceConstant)) {
          if (tried === 1 && !first.again) this.tellStored(first, mark);
          return;
        }
        const mayGoBetter =
          error instanceof errors.TimeoutError || isNoAnswer(error) || isApiError(error, ApiCode.batchIncomplete);
        if (tried === tries || !mayGoBetter) throw error;
        await delay(this.options.clock, BETWEEN_TRIES_MS);
      }
    }
  }

  /** The mark is the last of the batch. Rejects as a publish does. */
  private async send(calls: readonly HandlerCall[], { subject, headers }: Mark): Promise<void> {
    const { connection, replies } = this.options;
    // S3: it may be another server than the one that was asked.
    const tooOld = whyNoBatches(connection.info?.version);
    if (tooOld !== undefined) throw new Error(tooOld);
    const id = randomUUID();
    calls.forEach((call, at) => {
      connection.publish(call.subject, call.payload, { headers: asTheyAre(inBatch(call.headers, id, at + 1)) });
    });
    const committed = withHeader(inBatch(headers, id, calls.length + 1), "Nats-Batch-Commit", "1");
    const timeoutMs = Math.min(calls[0]!.timeoutMs, CONFIRMED_MS);
    const reply = await replies.request({ subject, payload: NO_PAYLOAD, headers: asTheyAre(committed), timeoutMs });
    if (reply === undefined) throw new errors.TimeoutError();
    pubAckOf(reply);
  }

  /** As of a publish that a stream takes for a repetition. */
  private tellStored({ handler }: HandlerCall, { subject }: Mark): void {
    const message = `what handler "${handler}" published was not stored: its mark "${subject}" is there already. So the run was a repeated one that the server did not count`;
    this.options.notices.tell(`stored before ${handler}`, "warn", message);
  }
}

/** S6. */
function markOf(subject: string, { allowsTtl }: OutputStream): Mark {
  const first = ["Nats-Expected-Last-Subject-Sequence", "0"] as const;
  return { subject, headers: encodeHeaders(allowsTtl ? [first, [TTL_HEADER, MARK_TTL]] : [first]) };
}

function inBatch(headers: Uint8Array, id: string, sequence: number): Buffer {
  return withHeader(withHeader(headers, "Nats-Batch-Id", id), "Nats-Batch-Sequence", String(sequence));
}

/** Authors write no headers of this kind. */
function hasTtl({ headers }: HandlerCall): boolean {
  return Buffer.from(headers.buffer, headers.byteOffset, headers.length).includes(`\r\n${TTL_HEADER}:`);
}

/** The handler was bound when its stream was fit. */
function notNow({ code, message }: RuntimeError): CallAnswer {
  return { ok: false, code: code === "NATS_UNREACHABLE" ? 503 : 507, message };
}

function strayOutput({ subject }: HandlerCall, name: string, taking: string | undefined): CallAnswer {
  const where = taking === undefined ? "no stream takes it" : `stream "${taking}" takes it`;
  const message = `publish to "${subject}": ${where}, and what the handler publishes is stored as one in stream "${name}" (outputs: "atomic"), which takes its marks. Nothing was stored: publish to subjects of "${name}" only, or leave out \`outputs\``;
  return { ok: false, code: 400, message };
}
