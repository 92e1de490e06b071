// Settles the messages that are handed out: put off until they are due, published then.
//
// L1  A message in hand is kept from being handed out again; one that comes all the same is not published beside itself.
// L2  What is refused is kept as a dead letter, of the handler that published it, before it is removed.

import type { Msg } from "@nats-io/transport-node";
import { nak } from "../bind/stream-settler.ts";
import { type DeadLetter, readLetter } from "../dead-letters/dead-letter.ts";
import type { DeadLetters } from "../dead-letters/dead-letters.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { letterIdOf, messageIdOf } from "../message/message-id.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import type { ConnectedSender } from "../nats/send-when-connected.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { UnawaitedWork } from "../nats/unawaited-work.ts";
import { type AckInfo, parseAckSubject } from "../streams/ack-subject.ts";
import { departure, retryMs } from "./departure.ts";
import { BY_HAND, dueOfHeaders, pairsOf, readLater } from "./later-message.ts";
import { laterStream } from "./later-stream.ts";
import type { LaterSender } from "./sender.ts";
import { OVERDUE, windowSubject } from "./window.ts";

export interface DeparturesOptions {
  readonly app: string;
  readonly instance: string;
  readonly acks: ConnectedSender;
  readonly sender: LaterSender;
  readonly letters: DeadLetters;
  readonly serverClock: ServerClock;
  readonly notices: RateLimitedNotices;
}

interface InHand {
  readonly message: Msg;
  readonly info: AckInfo;
  /** Where it came last. */
  reply: string;
}

const encoder = new TextEncoder();
const ACK = encoder.encode("+ACK");
const WORKING = encoder.encode("+WPI");
const LETTER_WAIT_MS = 30_000;

export class Departures {
  private readonly options: DeparturesOptions;
  private readonly inHand = new Map<number, InHand>();
  private readonly pending = new UnawaitedWork();

  constructor(options: DeparturesOptions) {
    this.options = options;
  }

  /** How many are being published. */
  get size(): number {
    return this.inHand.size;
  }

  /** Returns whether it is in hand now: then `onSettled` is called when it is not any more. */
  arrived(message: Msg, onSettled: () => void): boolean {
    const reply = message.reply ?? "";
    const info = parseAckSubject(reply);
    if (info === undefined) throw new Error(`a message came with the reply subject ${JSON.stringify(reply)}`);
    const known = this.inHand.get(info.streamSequence);
    if (known !== undefined) {
      known.reply = reply;
      return false;
    }
    const { serverClock, acks } = this.options;
    const dueMs = dueOfHeaders(message.headers);
    const decided = departure({ deliveries: info.deliveries, dueMs, nowMs: serverClock.earliestMs() });
    if (decided.do === "put-off") {
      acks.send(reply, nak(decided.delayMs));
      return false;
    }
    const one: InHand = { message, info, reply };
    this.inHand.set(info.streamSequence, one);
    this.pending.add(this.leave(one).finally(onSettled));
    return true;
  }

  /** L1. To be called every so many seconds. */
  tick(): void {
    for (const { reply } of this.inHand.values()) this.options.acks.sendNow(reply, WORKING);
  }

  /** Resolves when nothing is in hand any more. Never rejects. */
  settled(): Promise<void> {
    this.options.letters.hurry();
    return this.pending.settled();
  }

  private async leave(one: InHand): Promise<void> {
    const { sender, letters } = this.options;
    const sent = await sender.send(one.message);
    if (sent.kind === "left") return this.settle(one, ACK);
    if (sent.kind === "not-now") {
      this.tellLate(one, sent.why);
      return this.settle(one, nak(retryMs(one.info.deliveries)));
    }
    // L2.
    const kept = await letters.keep(this.letterOf(one, sent.why));
    this.settle(one, kept ? ACK : nak(LETTER_WAIT_MS));
  }

  private settle({ info, reply }: InHand, word: Uint8Array): void {
    this.inHand.delete(info.streamSequence);
    this.options.acks.send(reply, word);
  }

  private tellLate({ message }: InHand, why: string): void {
    const { target = "" } = readLater(pairsOf(message.headers)) ?? {};
    const text = `a message that is due cannot leave for "${target}" now, and is tried again: ${why}`;
    this.options.notices.tell(`late ${target}`, "warn", text);
  }

  private letterOf({ message, info }: InHand, why: string): DeadLetter {
    const { app, instance, serverClock } = this.options;
    const headers = pairsOf(message.headers);
    const later = readLater(headers);
    const handler = later?.by ?? BY_HAND;
    const nowMs = serverClock.nowMs();
    const id = messageIdOf(`${laterStream(app)}:`, info.streamSequence, info.storedAtMs);
    return {
      id: letterIdOf(app, handler, id),
      handler,
      version: undefined,
      reason: "not-published",
      message: why,
      stack: undefined,
      subject: later?.target ?? message.subject,
      stream: laterStream(app),
      sequence: info.streamSequence,
      storedAtMs: info.storedAtMs,
      attempts: 1,
      firstFailedAtMs: nowMs,
      lastFailedAtMs: nowMs,
      instance,
      redriven: readLetter(message.headers)?.redriven ?? 0,
      returnTo: windowSubject(app, OVERDUE),
      headers: encodeHeaders(headers),
      data: message.data,
    };
  }
}
