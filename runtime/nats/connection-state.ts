// Whether the connection is up right now. The client takes publishes while it is down and drops them when it is back.

import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, within } from "../clock.ts";

export class ConnectionState {
  /** How often it was lost: what was asked of the server before it changed is not answered any more. */
  losses = 0;
  private connected = true;
  private waiting: (() => void)[] = [];
  private readonly clock: Clock;

  constructor(connection: NatsConnection, clock: Clock) {
    this.clock = clock;
    void this.follow(connection);
  }

  get isUp(): boolean {
    return this.connected;
  }

  /** Resolves once connected, however long that takes. */
  async isBack(): Promise<void> {
    if (!this.connected) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Resolves true once connected, false when it is not within `limitMs` milliseconds. */
  async up(limitMs: number): Promise<boolean> {
    return this.connected || (await within(this.clock, limitMs, this.isBack())) !== "expired";
  }

  private async follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect" || type === "staleConnection") this.lose();
      if (type !== "reconnect") continue;
      this.connected = true;
      const waiting = this.waiting;
      this.waiting = [];
      for (const resume of waiting) resume();
    }
    this.lose();
  }

  private lose(): void {
    if (this.connected) this.losses++;
    this.connected = false;
  }
}
