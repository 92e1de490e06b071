// Requests at a steady pace, whether answered or not, and what became of each.

import type { NatsConnection } from "@nats-io/transport-node";

const LIMIT_MS = 5_000;

export interface AskingAccount {
  readonly asked: number;
  readonly failed: number;
}

export class Asking {
  private readonly nats: NatsConnection;
  private readonly subject: string;
  private readonly startedMs = performance.now();
  private readonly timer: NodeJS.Timeout;
  private readonly open = new Set<Promise<void>>();
  private readonly awaited: { version: number; seen: PromiseWithResolvers<number> }[] = [];
  private asked = 0;
  private failed = 0;

  constructor(nats: NatsConnection, subject: string, perSecond: number) {
    this.nats = nats;
    this.subject = subject;
    this.timer = setInterval(() => {
      const due = ((performance.now() - this.startedMs) / 1_000) * perSecond;
      while (this.asked < due) this.ask();
    }, 1);
  }

  /** Resolves with the time of the first answer from this version, on the clock of `performance.now()`. */
  firstAnswerOf(version: number): Promise<number> {
    const seen = Promise.withResolvers<number>();
    this.awaited.push({ version, seen });
    return seen.promise;
  }

  /** Stop, and wait for the answers that are still to come. */
  async stop(): Promise<AskingAccount> {
    clearInterval(this.timer);
    await Promise.all(this.open);
    return { asked: this.asked, failed: this.failed };
  }

  private ask(): void {
    const number = this.asked++;
    const asked = this.nats
      .request(this.subject, JSON.stringify({ number }), { timeout: LIMIT_MS })
      .then((reply) => {
        if (reply.headers !== undefined) this.failed++;
        else this.note(reply.json<{ version: number }>().version);
      })
      .catch(() => void this.failed++)
      .finally(() => this.open.delete(asked));
    this.open.add(asked);
  }

  private note(version: number): void {
    for (const awaited of this.awaited) if (awaited.version === version) awaited.seen.resolve(performance.now());
  }
}
