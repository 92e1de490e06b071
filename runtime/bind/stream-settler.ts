// Carries out settlements of stored messages.
//
// T1  Each delivery is settled once; a second settlement is ignored.
// T2  A dead letter is stored before its original is terminated. When it cannot be stored the original comes again.
// T3  What is given back is written down as uncharged before it goes back.

import { type Clock, within } from "../clock.ts";
import type { Settlement } from "../deliver/settle.ts";
import type { DeadLetter, DeadLetterReason } from "./dead-letter.ts";
import type { StreamDelivery } from "./stream-delivery.ts";
import type { StreamServices } from "./stream-services.ts";

export interface SettlerOptions {
  readonly services: StreamServices;
  readonly handler: string;
  readonly stream: string;
  readonly durable: string;
  /** The server is told. `late`: not within the call that settled it, which may have made room. */
  readonly onSettled: (delivery: StreamDelivery, late: boolean) => void;
}

/** `version` and `stack` are kept with the letter where the settlement has them. */
export interface Failure {
  readonly reason: DeadLetterReason;
  readonly text: string;
  readonly version?: string | undefined;
  readonly stack?: string | undefined;
}

const encoder = new TextEncoder();
const ACK = encoder.encode("+ACK");
const NAK = encoder.encode("-NAK");
const TERM = encoder.encode("+TERM");
const WORKING = encoder.encode("+WPI");
const LETTER_RETRY_MS = 5_000;
const BOOKKEEPING_MS = 2_000;
const FAILURES_REMEMBERED = 10_000;

export class StreamSettler {
  /** Settled, and the server not told yet. */
  late = 0;
  private readonly options: SettlerOptions;
  private readonly clock: Clock;
  /** When a message first failed, as far as this replica has seen. */
  private readonly firstFailures = new Map<number, number>();

  constructor(options: SettlerOptions) {
    this.options = options;
    this.clock = options.services.clock;
  }

  /** Returns what is being done, for the log; undefined when there is nothing to tell. Never throws. */
  apply(delivery: StreamDelivery, settlement: Settlement): string | undefined {
    if (delivery.settled) return undefined;
    switch (settlement.do) {
      case "ack":
      case "done":
      case "reply":
      case "reply-error":
        this.finish(delivery, ACK);
        return undefined;
      case "retry":
        this.rememberFailure(delivery);
        this.finish(delivery, nak(settlement.delayMs));
        return `will be retried in ${settlement.delayMs} ms`;
      case "give-back":
      case "drop":
        this.giveBack(delivery, 0);
        return "given back";
      case "dead-letter": {
        const failure: Failure = settlement;
        this.bury(delivery, failure.reason, failure);
        return "dead letter";
      }
    }
  }

  /** Have it come again after `delayMs` milliseconds, uncharged (T3). */
  giveBack(delivery: StreamDelivery, delayMs: number): void {
    this.later(delivery, async () => {
      await this.writeDownUncharged(delivery);
      return delayMs === 0 ? NAK : nak(delayMs);
    });
  }

  /** T2. */
  bury(delivery: StreamDelivery, reason: DeadLetterReason, failure: Failure): void {
    this.later(delivery, async () => {
      const kept = await this.options.services.letters.keep(this.letterOf(delivery, { ...failure, reason }));
      return kept ? TERM : nak(LETTER_RETRY_MS);
    });
  }

  /** Have the server wait longer for this one. */
  working(delivery: StreamDelivery): void {
    this.options.services.uplink.sendNow(delivery.reply, WORKING);
  }

  private later(delivery: StreamDelivery, step: () => Promise<Uint8Array>): void {
    if (delivery.settled) return;
    delivery.settled = true;
    this.late++;
    const done = step().then((word) => {
      this.late--;
      this.send(delivery, word, true);
    });
    this.options.services.pending.add(done);
  }

  private finish(delivery: StreamDelivery, word: Uint8Array): void {
    delivery.settled = true;
    this.send(delivery, word, false);
  }

  private send(delivery: StreamDelivery, word: Uint8Array, late: boolean): void {
    if (this.firstFailures.size > 0 && (word === ACK || word === TERM)) this.firstFailures.delete(delivery.seq);
    this.options.services.uplink.send(delivery.reply, word);
    this.options.onSettled(delivery, late);
  }

  private async writeDownUncharged(delivery: StreamDelivery): Promise<void> {
    const { services, handler, stream, durable } = this.options;
    const { deliveries, streamSequence } = delivery.info;
    const uncharged = deliveries - delivery.attempt + 1;
    const write = services.givenBack.set(stream, durable, streamSequence, uncharged).then(
      () => "written",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const written = await within(this.clock, BOOKKEEPING_MS, write);
    if (written === "written") return;
    const message = `a message of handler "${handler}" was given back unrun and is charged an attempt all the same: ${written}`;
    services.notices.tell(`give back ${handler}`, "warn", message);
  }

  private rememberFailure({ seq }: StreamDelivery): void {
    if (this.firstFailures.has(seq) || this.firstFailures.size >= FAILURES_REMEMBERED) return;
    this.firstFailures.set(seq, this.clock.nowMs());
  }

  private letterOf(delivery: StreamDelivery, failure: Failure): DeadLetter {
    const { handler, stream, durable, services } = this.options;
    const { history, info } = delivery;
    const nowMs = this.clock.nowMs();
    const unrun = failure.reason === "attempts-used" || failure.reason === "expired";
    const runs = delivery.attempt - (unrun ? 1 : 0);
    const source = history === undefined ? stream : history.stream;
    const sequence = history === undefined ? info.streamSequence : history.sequence;
    const first = this.firstFailures.get(delivery.seq) ?? (delivery.attempt === 1 ? nowMs : undefined);
    return {
      id: letterId(stream, durable, info.streamSequence),
      handler,
      version: failure.version,
      reason: failure.reason,
      message: failure.text,
      stack: failure.stack,
      subject: delivery.subject,
      stream: source,
      sequence,
      attempts: runs + (history?.attempts ?? 0),
      firstFailedAtMs: history === undefined ? first : history.firstFailedAtMs,
      lastFailedAtMs: nowMs,
      instance: services.instance,
      redriven: history?.redriven ?? 0,
      headers: delivery.headers,
      data: delivery.data,
    };
  }
}

/** The same for every try to keep a message's last failure; a redriven message has a stream and sequence of its own. */
export function letterId(stream: string, durable: string, sequence: number): string {
  return `dlq:${stream}:${sequence}:${durable}`;
}

export function nak(delayMs: number): Uint8Array {
  return encoder.encode(`-NAK {"delay": ${Math.round(delayMs * 1_000_000)}}`);
}
