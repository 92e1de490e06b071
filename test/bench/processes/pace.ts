// Publishes numbered messages at a steady pace, and keeps account of which were handled, how often and by which version.

import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { tell } from "../rpc.ts";

export interface Pace {
  readonly subject: string;
  readonly perSecond: number;
  /** The handler publishes `<version> <number>` here for each message it handles. */
  readonly seenSubject: string;
}

/** Told to the bench when the first message was handled by a version: the monotonic clock of this machine. */
export interface FirstSeen {
  readonly version: string;
  readonly atNs: bigint;
}

export interface Account {
  readonly sent: number;
  readonly lost: number;
  readonly handledTwice: number;
  readonly byVersion: Readonly<Record<string, number>>;
}

const QUIET_MS = 2_000;

export class PacedPublisher {
  private readonly nats: NatsConnection;
  private readonly pace: Pace;
  private readonly seen: Subscription;
  private readonly timesSeen: number[] = [];
  private readonly byVersion: Record<string, number> = {};
  private readonly startedMs = performance.now();
  private readonly timer: NodeJS.Timeout;
  private lastSeenMs = performance.now();

  constructor(nats: NatsConnection, pace: Pace) {
    this.nats = nats;
    this.pace = pace;
    this.seen = nats.subscribe(pace.seenSubject, { callback: (_error, message) => this.note(message.string()) });
    this.timer = setInterval(() => this.publishDue(), 1);
  }

  /** Stop, wait until everything was handled or nothing more comes, and give account. */
  async stop(): Promise<Account> {
    clearInterval(this.timer);
    await this.nats.flush();
    while (this.lost > 0 && performance.now() - this.lastSeenMs < QUIET_MS) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.seen.unsubscribe();
    const handledTwice = this.timesSeen.filter((times) => times > 1).length;
    return { sent: this.timesSeen.length, lost: this.lost, handledTwice, byVersion: this.byVersion };
  }

  private get lost(): number {
    return this.timesSeen.reduce((lost, times) => (times === 0 ? lost + 1 : lost), 0);
  }

  private publishDue(): void {
    const due = ((performance.now() - this.startedMs) / 1_000) * this.pace.perSecond;
    while (this.timesSeen.length < due) {
      const number = this.timesSeen.push(0) - 1;
      this.nats.publish(this.pace.subject, JSON.stringify({ number, text: "a".repeat(80) }));
    }
  }

  private note(text: string): void {
    const [version = "", number = ""] = text.split(" ");
    this.lastSeenMs = performance.now();
    if (this.byVersion[version] === undefined) {
      this.byVersion[version] = 0;
      tell({ version, atNs: process.hrtime.bigint() } satisfies FirstSeen);
    }
    this.byVersion[version]++;
    this.timesSeen[Number(number)]!++;
  }
}
