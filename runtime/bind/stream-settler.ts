// Carries out settlements of stored messages.
//
// T1  Each delivery is settled once; a second settlement is ignored.
// T2  A dead letter is stored before its original is terminated. Until then the original stays in hand.
// T3  What is given back is written down as uncharged before it goes back.
// T4  A message that failed for good, and whose letter cannot be stored now, has its failure written down at once: whoever
//     takes it next, should we not come to it, keeps that letter and does not run it.

import { type Clock, within } from "../clock.ts";
import type { DeadLetter, DeadLetterReason, ReadLetter } from "../dead-letters/dead-letter.ts";
import { letterIdOf, messageIdOf } from "../message/message-id.ts";
import type { Settlement } from "../message/settlement.ts";
import { WriteTurns } from "../nats/write-turns.ts";
import type { PutOffs } from "./put-offs.ts";
import type { StreamDelivery } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import type { GivenBackMessage, ToWriteDown } from "./uncharged-deliveries.ts";
import { WaitingRetries } from "./waiting-retries.ts";

export interface SettlerOptions {
  readonly deps: StreamDeps;
  readonly handler: string;
  readonly stream: string;
  readonly domain: string | undefined;
  readonly durable: string;
  readonly putOffs: Pick<PutOffs, "add">;
  /** The server is told. `late`: not within the call that settled it, which may have made room. */
  readonly onSettled: (delivery: StreamDelivery, late: boolean) => void;
  /** There is room, while something that was in a slot waits on. */
  readonly onRoom: () => void;
  /** It is done with for good: handled, or a dead letter. */
  readonly onDone?: (delivery: StreamDelivery) => void;
}

/** `version` and `stack` are kept with the letter where the settlement has them. */
export interface Failure {
  readonly reason: DeadLetterReason;
  readonly text: string;
  readonly version?: string | undefined;
  readonly stack?: string | undefined;
}

/** For the log: the letter is not stored yet. */
export const WILL_BE_LETTER = "will be kept as a dead letter";

const encoder = new TextEncoder();
const ACK = encoder.encode("+ACK");
const NAK = encoder.encode("-NAK");
const TERM = encoder.encode("+TERM");
const WORKING = encoder.encode("+WPI");
const BOOKKEEPING_MS = 2_000;
const MOST_WRITES = 256;
const FAILURES_REMEMBERED = 10_000;
/** The last delivery was none that ran. */
const UNRUN: ReadonlySet<DeadLetterReason> = new Set(["attempts-used", "expired", "unclaimed"]);

export class StreamSettler {
  /** Settled, and the server not told yet: they hold their slots. */
  late = 0;
  /** As those, and they hold none: their letters cannot be stored now. */
  waiting = 0;
  readonly retries = new WaitingRetries();
  /** A flood that waits in hand may go back at once. */
  private readonly writes = new WriteTurns(MOST_WRITES);
  private readonly options: SettlerOptions;
  private readonly clock: Clock;
  /** When a message first failed, as far as this replica has seen. */
  private readonly firstFailures = new Map<string, number>();

  constructor(options: SettlerOptions) {
    this.options = options;
    this.clock = options.deps.clock;
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
        if (delivery.usedUp !== undefined) return this.buryUsedUp(delivery, delivery.usedUp);
        this.rememberFailure(delivery);
        this.retries.add(settlement.delayMs, this.clock.nowMs());
        this.finish(delivery, nak(settlement.delayMs));
        return `will be retried in ${settlement.delayMs} ms`;
      case "run-again":
        this.giveBack(delivery, settlement.delayMs);
        return "given back";
      case "give-back":
      case "drop":
        this.giveBack(delivery, 0);
        return "given back";
      case "put-off":
        return this.putOff(delivery, settlement.otherwise);
      case "dead-letter":
        this.bury(delivery, settlement);
        return WILL_BE_LETTER;
    }
  }

  private putOff(delivery: StreamDelivery, otherwise: Settlement): string | undefined {
    const waitMs = this.options.putOffs.add(delivery);
    if (waitMs === "charge") return this.apply(delivery, otherwise);
    if (waitMs === "give-back") return this.apply(delivery, { do: "give-back" });
    delivery.settled = true;
    return `NATS did not take what it publishes: run again in ${waitMs} ms, uncharged`;
  }

  /** Have it come again after `delayMs` milliseconds, uncharged (T3). */
  giveBack(delivery: StreamDelivery, delayMs: number): void {
    if (delivery.usedUp !== undefined) return void this.buryUsedUp(delivery, delivery.usedUp);
    this.later(delivery, async () => {
      await this.writeDownGivenBack(delivery);
      return delayMs === 0 ? NAK : nak(delayMs);
    });
  }

  /** Have it come again after `delayMs` milliseconds, with what is written down of it as it is. */
  comeAgain(delivery: StreamDelivery, delayMs: number): void {
    if (delivery.usedUp !== undefined) return void this.buryUsedUp(delivery, delivery.usedUp);
    this.later(delivery, async () => nak(delayMs));
  }

  /** T2. */
  bury(delivery: StreamDelivery, failure: Failure): void {
    this.keep(delivery, this.letterOf(delivery, failure), undefined);
  }

  private buryUsedUp(delivery: StreamDelivery, text: string): string {
    this.bury(delivery, { reason: "attempts-used", text });
    return WILL_BE_LETTER;
  }

  /** T4: keep the letter of a failure that was written down earlier. */
  buryAsKnown(delivery: StreamDelivery, known: ReadLetter): void {
    const { reason, message, stack, version, attempts, firstFailedAtMs, lastFailedAtMs, instance } = known;
    const failure = { reason, message, stack, version, attempts, firstFailedAtMs, lastFailedAtMs, instance };
    this.keep(delivery, { ...this.letterOf(delivery, { reason, text: message }), ...failure }, Promise.resolve(true));
  }

  /** Have the server wait longer for this one. */
  working(delivery: StreamDelivery): void {
    this.options.deps.sender.sendNow(delivery.reply, WORKING);
  }

  /** It was handled before, and its acknowledgement was lost. */
  acknowledgeAgain(reply: string): void {
    this.options.deps.sender.send(reply, ACK);
  }

  /** @param writtenBefore whether its failure stands written down already (T4) */
  private keep(delivery: StreamDelivery, letter: DeadLetter, writtenBefore: Promise<boolean> | undefined): void {
    this.later(delivery, async (leaveSlot) => {
      let written = writtenBefore;
      const kept = await this.options.deps.letters.keep(letter, () => {
        leaveSlot();
        written ??= this.writeDownCount(delivery, letter);
      });
      if (kept) {
        // Should an operator have everything delivered again, it is to be run.
        if (await written) await this.writeDownCount(delivery, undefined);
        return TERM;
      }
      if (!(await written)) await this.writeDownCount(delivery, letter);
      return NAK;
    });
  }

  private later(delivery: StreamDelivery, step: (leaveSlot: () => void) => Promise<Uint8Array>): void {
    if (delivery.settled) return;
    delivery.settled = true;
    this.late++;
    let inSlot = true;
    const leaveSlot = () => {
      inSlot = false;
      this.late--;
      this.waiting++;
      this.options.onRoom();
    };
    const done = step(leaveSlot).then((word) => {
      if (inSlot) this.late--;
      else this.waiting--;
      this.send(delivery, word, true);
    });
    this.options.deps.pending.add(done);
  }

  private finish(delivery: StreamDelivery, word: Uint8Array): void {
    delivery.settled = true;
    this.send(delivery, word, false);
  }

  private send(delivery: StreamDelivery, word: Uint8Array, late: boolean): void {
    if (word === ACK || word === TERM) {
      if (this.firstFailures.size > 0) this.firstFailures.delete(keyOf(delivery));
      this.options.onDone?.(delivery);
    }
    if (!delivery.orphaned) this.options.deps.sender.send(delivery.reply, word);
    this.options.onSettled(delivery, late);
  }

  private async writeDownGivenBack(delivery: StreamDelivery): Promise<void> {
    const { deps, handler } = this.options;
    const written = await this.writeDown(delivery, { uncharged: delivery.info.deliveries - delivery.attempt + 1 });
    if (written === "written") return;
    const message = `a message of handler "${handler}" was given back unrun and is charged an attempt all the same: ${written}`;
    deps.notices.tell(`give back ${handler}`, "warn", message);
  }

  /**
   * How many of its deliveries do not count, and with `letter` what it failed with for good. False when it could not be: then
   * the next letter can only say that the attempts were used.
   */
  async writeDownCount(delivery: StreamDelivery, letter: DeadLetter | undefined): Promise<boolean> {
    const uncharged = delivery.info.deliveries - delivery.attempt;
    return (await this.writeDown(delivery, { uncharged, failure: letter })) === "written";
  }

  /** That its last attempt begins now. False when it could not be. */
  async writeDownLast(delivery: StreamDelivery): Promise<boolean> {
    const uncharged = delivery.info.deliveries - delivery.attempt;
    return (await this.writeDown(delivery, { uncharged, lastBegan: true })) === "written";
  }

  private writeDown(delivery: StreamDelivery, known: ToWriteDown): Promise<string> {
    const { givenBack } = this.options.deps;
    return this.writes.run(() => {
      const writing = givenBack.write(this.messageOf(delivery), known).then(
        () => "written",
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      return within(this.clock, BOOKKEEPING_MS, writing);
    });
  }

  /** As its records name it. */
  messageOf({ info }: StreamDelivery): GivenBackMessage {
    const { stream, durable } = this.options;
    return { stream, durable, sequence: info.streamSequence, storedAtMs: info.storedAtMs };
  }

  private rememberFailure(delivery: StreamDelivery): void {
    const key = keyOf(delivery);
    if (this.firstFailures.has(key) || this.firstFailures.size >= FAILURES_REMEMBERED) return;
    this.firstFailures.set(key, this.clock.nowMs());
  }

  private letterOf(delivery: StreamDelivery, failure: Failure): DeadLetter {
    const { handler, stream, domain, deps } = this.options;
    const { history, info } = delivery;
    const nowMs = this.clock.nowMs();
    const unrun = UNRUN.has(failure.reason);
    const runs = delivery.attempt - (unrun ? 1 : 0);
    const { storedAtMs } = history ?? info;
    const { stream: source, sequence } = history ?? delivery.copied ?? { stream, sequence: info.streamSequence };
    const first = this.firstFailures.get(keyOf(delivery)) ?? (delivery.attempt === 1 ? nowMs : undefined);
    return {
      // A redriven message has a stream and a number of its own: what it fails with now is another letter.
      id: letterIdOf(
        deps.app,
        handler,
        messageIdOf(streamIdPrefix(stream, domain), info.streamSequence, info.storedAtMs),
      ),
      handler,
      version: failure.version,
      reason: failure.reason,
      message: failure.text,
      stack: failure.stack,
      subject: delivery.subject,
      stream: source,
      sequence,
      storedAtMs,
      attempts: runs + (history?.attempts ?? 0),
      firstFailedAtMs: history === undefined || history.attempts === 0 ? first : history.firstFailedAtMs,
      lastFailedAtMs: nowMs,
      instance: deps.instance,
      redriven: history?.redriven ?? 0,
      headers: delivery.headers,
      data: delivery.data,
    };
  }
}

/** Before what a stored message says of itself. Streams of several domains may have the same name. */
export function streamIdPrefix(stream: string, domain: string | undefined): string {
  return domain === undefined ? `${stream}:` : `${domain}/${stream}:`;
}

function keyOf({ seq, storedAtMs }: StreamDelivery): string {
  return messageIdOf("", seq, storedAtMs);
}

export function nak(delayMs: number): Uint8Array {
  return encoder.encode(`-NAK {"delay": ${Math.round(delayMs * 1_000_000)}}`);
}
