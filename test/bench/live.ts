// What a handler's own messages feel while something else is done with its stored ones: a steady publisher, and how long each of its
// messages takes to the end of the function. The handler publishes that to `took`, in microseconds.

import { setTimeout as pause } from "node:timers/promises";
import type { Subscription } from "@nats-io/transport-node";
import type { TestClient } from "../support/client.ts";

export const LIVE_PER_SECOND = 500;

/** A steady publisher, and what its messages took. */
export class Live {
  private readonly client: TestClient;
  private readonly subject: string;
  private readonly hearing: Subscription;
  private readonly tookUs: number[] = [];
  private sent = 0;

  /** `subject`: that of the handler. */
  constructor(client: TestClient, subject: string) {
    this.client = client;
    this.subject = subject;
    this.hearing = client.connection.subscribe("took", {
      callback: (_error, message) => void this.tookUs.push(message.json<{ us: number }>().us),
    });
  }

  /** Resolves with one figure for each message that was published meanwhile, once all were handled. */
  async during(act: () => Promise<unknown>): Promise<readonly number[]> {
    this.tookUs.length = 0;
    this.sent = 0;
    const startedMs = performance.now();
    const timer = setInterval(() => this.publishDue(startedMs), 1);
    await act().finally(() => clearInterval(timer));
    while (this.tookUs.length < this.sent) await pause(20);
    return [...this.tookUs];
  }

  close(): void {
    this.hearing.unsubscribe();
  }

  private publishDue(startedMs: number): void {
    const due = ((performance.now() - startedMs) / 1_000) * LIVE_PER_SECOND;
    for (; this.sent < due; this.sent++)
      this.client.publish(this.subject, { sentNs: `${process.hrtime.bigint()}`, text: "a".repeat(80) });
  }
}
