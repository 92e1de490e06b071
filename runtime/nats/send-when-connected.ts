// What goes to the server without an answer: acks and pulls. The client drops what is published while it is
// disconnected; here a settlement waits for the connection instead, so that what was handled is not handled again.

import type { NatsConnection } from "@nats-io/transport-node";

export class ConnectedSender {
  private readonly connection: NatsConnection;
  private readonly listeners = new Set<() => void>();
  private held: { readonly subject: string; readonly payload: Uint8Array }[] = [];
  private connected = true;

  constructor(connection: NatsConnection) {
    this.connection = connection;
    void this.follow();
  }

  get isUp(): boolean {
    return this.connected;
  }

  /** Now, or once connected again. Never throws. */
  send(subject: string, payload: Uint8Array): void {
    if (this.connected) this.publish(subject, payload);
    else this.held.push({ subject, payload });
  }

  /** Now, or not at all: for what means nothing later. Never throws. */
  sendNow(subject: string, payload: Uint8Array, reply?: string): void {
    if (this.connected) this.publish(subject, payload, reply);
  }

  /** Called after every reconnect, when the held settlements are out. Returns what ends it. */
  onReconnect(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private publish(subject: string, payload: Uint8Array, reply?: string): void {
    try {
      this.connection.publish(subject, payload, reply === undefined ? undefined : { reply });
    } catch {
      // The connection is closed for good: the server delivers again what was not settled.
    }
  }

  private async follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect" || type === "staleConnection") this.connected = false;
      if (type === "reconnect") this.resume();
    }
    this.connected = false;
    this.held = [];
  }

  /** The client tells of one return once for every try that was refused before it: hundreds, after a night without rights. */
  private resume(): void {
    if (this.connected) return;
    this.connected = true;
    const held = this.held;
    this.held = [];
    for (const { subject, payload } of held) this.publish(subject, payload);
    for (const listener of [...this.listeners]) listener();
  }
}
