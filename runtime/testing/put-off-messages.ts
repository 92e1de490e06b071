// Messages that whoever has taken them from a stream has put off (a nak with a delay), as anybody on the server may hear.
//
// P1  The server's clock cannot be moved. But it hands a message that is put off out at once when it gets a second nak, one
//     without a delay: so a message comes when it is due by the moved clock, and whoever takes it need not know why.
// P2  What comes by itself in a moment is left to come: a nak after that would have it come twice.

import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { parseAckSubject } from "../streams/ack-subject.ts";

interface PutOff {
  /** Where its naks go. */
  readonly reply: string;
  readonly durable: string;
  /** By the moved clock. */
  readonly dueMs: number;
  /** When the server hands it out by itself; monotonic. */
  readonly comesAtMs: number;
}

export interface PutOffMessagesOptions {
  readonly client: Pick<NatsConnection, "publish">;
  readonly machine: Pick<Clock, "monotonicMs">;
  /** The moved clock's time. */
  readonly nowMs: () => number;
}

export const ACKS = "$JS.ACK.>";
const MOMENT_MS = 1_000;
const NS_PER_MS = 1_000_000;

export class PutOffMessages {
  private readonly options: PutOffMessagesOptions;
  private readonly known = new Map<string, PutOff>();

  constructor(options: PutOffMessagesOptions) {
    this.options = options;
  }

  /** Something was published to `ACKS`. */
  hear(reply: string, word: string): void {
    const info = parseAckSubject(reply);
    if (info === undefined || word.startsWith("+WPI")) return;
    const durable = nameOf(info.stream, info.consumer);
    const key = `${durable} ${info.streamSequence}`;
    const delayMs = delayIn(word);
    if (delayMs === undefined) return void this.known.delete(key);
    const { machine, nowMs } = this.options;
    this.known.set(key, { reply, durable, dueMs: nowMs() + delayMs, comesAtMs: machine.monotonicMs() + delayMs });
  }

  /** P1: have those come that are due. */
  release(): void {
    const nowMs = this.options.nowMs();
    for (const [key, { reply, dueMs }] of this.waiting()) {
      if (dueMs > nowMs) continue;
      this.known.delete(key);
      this.options.client.publish(reply, "-NAK");
    }
  }

  /** When the next of them is due; undefined: none is put off for longer than a moment. */
  get nextMs(): number | undefined {
    const dues = this.waiting().map(([, { dueMs }]) => dueMs);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** How many of a durable's are put off for longer than a moment. */
  countOf(stream: string, consumer: string): number {
    const durable = nameOf(stream, consumer);
    return this.waiting().filter(([, putOff]) => putOff.durable === durable).length;
  }

  /** P2. */
  private waiting(): [string, PutOff][] {
    const soonMs = this.options.machine.monotonicMs() + MOMENT_MS;
    for (const [key, { comesAtMs }] of this.known) if (comesAtMs <= soonMs) this.known.delete(key);
    return [...this.known];
  }
}

function nameOf(stream: string, consumer: string): string {
  return `${stream} ${consumer}`;
}

/** Undefined for a word that does not put off. */
function delayIn(word: string): number | undefined {
  const said = /^-NAK\s*\{\s*"delay"\s*:\s*(\d+)\s*\}/.exec(word)?.[1];
  return said === undefined ? undefined : Number(said) / NS_PER_MS;
}
