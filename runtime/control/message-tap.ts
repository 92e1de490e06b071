// Records what happens to messages while somebody holds a lease, and sends it to them; in `dev` also keeps the last of it, for
// whoever comes to look. Nobody there: nothing is recorded, and a message costs a look at `isOpen`.
//
// M1  What is recorded is bounded (allowance.ts); what was not is counted and told.
// M2  What a handler is recorded to publish says by which call: so it is found again where it arrives. Nothing else about a
//     message changes because somebody watches.

import type { Clock, Timer } from "../clock.ts";
import { stackOf } from "../deliver/settle.ts";
import type { DeliveryTap, EndedRun } from "../message/delivery-tap.ts";
import { type Call, type CallAnswer, type HandlerCall, lasting } from "../message/handler-call.ts";
import { decodeHeaders, type HeaderPairs, withHeader } from "../message/header-block.ts";
import { callersMessageOf } from "../message/message-id.ts";
import { CAUSE_HEADER, originOf } from "../message/origin.ts";
import { Allowance } from "./allowance.ts";
import type { LogLine } from "./control-protocol.ts";
import { KeptSeen } from "./kept-seen.ts";
import { reportedError } from "./reported.ts";
import { type MessagesRequest, type NewSeen, type Seen, type ToldSeen, weightOf, withoutContent } from "./seen.ts";
import { splitAnswer } from "./split-answer.ts";

export interface MessageTapOptions {
  readonly app: string;
  readonly clock: Clock;
  /** Record without being asked, and keep the last. */
  readonly keeps: boolean;
}

export type SendSeen = (told: ToldSeen) => void;

interface Follower {
  readonly payloads: boolean;
  readonly send: SendSeen;
  readonly untilMs: number;
}

const LONGEST_LEASE_MS = 60_000;
/** Long enough for a batch, short enough to be seen as it happens. */
const FLUSH_MS = 50;
/** Of numbers alone nobody waits for the next one. */
const MISSED_MS = 500;
/** Of a message with a batch in it, by weight: what it is written as may be some times as long. */
const PART_BYTES = 128 * 1024;
/** Of a payload or a reply. */
const SHOWN_BYTES = 16 * 1024;
const HEADER_CHARS = 1_024;
const MOST_HEADERS = 50;
const TEXT_CHARS = 4_000;
/** A message that is nearly too large is not to become so by a header. */
const MARKED_BYTES = 512 * 1024;
/** Kept in `dev`: what a page that is opened later shows. So much memory is no matter on the machine of whoever develops. */
const KEPT_RUNS = 1_000;
const KEPT_BYTES = 8 * 1024 * 1024;

export class MessageTap implements DeliveryTap {
  isOpen: boolean;
  private readonly options: MessageTapOptions;
  private readonly followers = new Map<string, Follower>();
  private readonly allowance = new Allowance();
  private readonly kept: KeptSeen | undefined;
  private number = 0;
  private batch: Seen[] = [];
  private missed = new Map<string, number>();
  private flushing: Timer | undefined;

  constructor(options: MessageTapOptions) {
    this.options = options;
    this.isOpen = options.keeps;
    this.kept = options.keeps ? new KeptSeen(KEPT_RUNS, KEPT_BYTES) : undefined;
  }

  /** M1. In a flood nearly all that is done for a message. */
  takes(handler: string, hasFailed: boolean): boolean {
    const nowMs = this.options.clock.nowMs();
    if (!this.isWatched(nowMs)) return false;
    if (this.allowance.take(handler, hasFailed, nowMs)) return true;
    this.miss(handler);
    return false;
  }

  ended(run: EndedRun): void {
    this.add(this.seenRun(run));
  }

  /** M2. Carries the call out, and records it. */
  call(made: HandlerCall, carryOut: Call): CallAnswer | Promise<CallAnswer> {
    const { clock } = this.options;
    const nowMs = clock.nowMs();
    if (!this.isWatched(nowMs) || !this.allowance.take(made.handler, false, nowMs)) return carryOut(made);
    const { handler, subject, messageId, headers, payload, kind, later } = made;
    const about = { handler, id: callersMessageOf(messageId, handler, subject), origin: messageId };
    const isMarked = headers.length + payload.length < MARKED_BYTES;
    const marked = isMarked ? { ...lasting(made), headers: withHeader(headers, CAUSE_HEADER, messageId) } : made;
    const leavesAtMs = later && (later.kind === "at" ? later.atMs : nowMs + later.delayMs);
    const leaves = leavesAtMs === undefined ? {} : { leavesAtMs };
    this.add({ kind: "call", ...about, verb: kind, subject, payload: this.contentOf(payload), ...leaves });
    const told = (answer: CallAnswer): CallAnswer => {
      if (!answer.ok && this.isOpen) this.add({ kind: "refusal", ...about, problem: cut(answer.message) });
      return answer;
    };
    const answer = carryOut(marked);
    return answer instanceof Promise ? answer.then(told) : told(answer);
  }

  /** A line of the log: of interest is what a handler wrote about a message. */
  line({ handler, level, text, fields = {} }: Omit<LogLine, "replica">): void {
    const { event, messageId, version: _version, attempt, ...own } = fields;
    if (event !== "handler.log" || typeof messageId !== "string" || handler === undefined) return;
    const nowMs = this.options.clock.nowMs();
    if (!this.isWatched(nowMs) || !this.allowance.take(handler, false, nowMs)) return;
    const said = Object.keys(own).length === 0 ? {} : { fields: cut(JSON.stringify(own)) };
    const run = typeof attempt === "number" ? { attempt } : {};
    this.add({ kind: "line", handler, id: messageId, ...run, level, text: cut(text), ...said });
  }

  /**
   * Sends to whoever asks under the name of `to` until its lease ends; asked again, the lease is renewed. Returns what is kept, if
   * that is wanted: at least one part.
   */
  asked(to: string, { payloads, past, leaseMs }: MessagesRequest, send: SendSeen): ToldSeen[] {
    if (to !== "" && leaseMs > 0) {
      // What waits is for those who were there before: whoever comes has it with the past.
      if (!this.followers.has(to)) this.flush();
      const untilMs = this.options.clock.nowMs() + Math.min(leaseMs, LONGEST_LEASE_MS);
      this.followers.set(to, { payloads, send, untilMs });
      this.isOpen = true;
    }
    if (!past) return []; // Only the lease was renewed.
    const all = [...(this.kept?.all() ?? [])].sort((a, b) => a.number - b.number);
    return partsOf(payloads ? all : all.map(withoutContent)).map((seen) => ({ seen }));
  }

  /** Closes it when the last lease has run out. */
  private isWatched(nowMs: number): boolean {
    for (const [to, { untilMs }] of this.followers) if (untilMs < nowMs) this.followers.delete(to);
    this.isOpen = this.kept !== undefined || this.followers.size > 0;
    return this.isOpen;
  }

  private add(seen: NewSeen): void {
    const one = { ...seen, number: ++this.number, atMs: this.options.clock.nowMs() } as Seen;
    this.kept?.add(one);
    if (this.followers.size === 0) return;
    if (this.batch.push(one) > 1) return;
    this.flushing?.cancel();
    this.flushing = this.options.clock.after(FLUSH_MS, () => this.flush());
  }

  private miss(handler: string): void {
    if (this.followers.size === 0) return;
    this.missed.set(handler, (this.missed.get(handler) ?? 0) + 1);
    this.flushing ??= this.options.clock.after(MISSED_MS, () => this.flush());
  }

  private flush(): void {
    this.flushing?.cancel();
    this.flushing = undefined;
    const { batch: seen, missed } = this;
    if (seen.length === 0 && missed.size === 0) return;
    this.batch = [];
    this.missed = new Map();
    const told = missed.size === 0 ? {} : { missed: Object.fromEntries(missed) };
    for (const { payloads, send } of this.followers.values()) {
      const parts = partsOf(payloads ? seen : seen.map(withoutContent));
      for (const [at, part] of parts.entries()) send({ seen: part, ...(at === 0 ? told : {}) });
    }
  }

  private seenRun(run: EndedRun): NewSeen {
    const { handler, version, id, delivery, outcome, settlement, settled, error } = run;
    const { subject, attempt, data, storedAtMs } = delivery;
    const headers = delivery.headers === undefined ? [] : decodeHeaders(Buffer.from(delivery.headers));
    const arrived = { app: this.options.app, subject, headers, id, isStored: storedAtMs !== undefined };
    const reply = outcome.kind === "returned" ? outcome.reply : undefined;
    const stack = stackOf(outcome);
    return {
      kind: "run",
      handler,
      id,
      version,
      subject,
      origin: originOf(arrived),
      attempt,
      outcome: outcome.kind,
      tookMs: run.tookMs,
      waitedMs: run.waitedMs,
      headers: shown(headers),
      payload: this.contentOf(data),
      ...(reply === undefined ? {} : { reply: this.contentOf(reply) }),
      ...(error === undefined ? {} : { error: reportedError(error()) }),
      ...(stack === "" ? {} : { stack: cut(stack) }),
      ...(settled === undefined ? {} : { settled }),
      ...(settlement?.do === "retry" ? { retryInMs: settlement.delayMs } : {}),
    };
  }

  private contentOf(data: Uint8Array): { bytes: number; data?: string } {
    const part = data.subarray(0, SHOWN_BYTES);
    if (!this.allowance.takeBytes(part.length)) return { bytes: data.length };
    return { bytes: data.length, data: Buffer.from(part).toString("base64") };
  }
}

function partsOf(seen: readonly Seen[]): Seen[][] {
  return splitAnswer(seen, PART_BYTES, weightOf);
}

function shown(headers: HeaderPairs): HeaderPairs {
  return headers.slice(0, MOST_HEADERS).map(([name, value]) => [name, value.slice(0, HEADER_CHARS)]);
}

function cut(text: string): string {
  return text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text;
}
