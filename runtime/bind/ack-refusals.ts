// Acknowledgements that the server does not take, for want of the right to them. It says so in passing, by their subject.

import { errors, type NatsConnection } from "@nats-io/transport-node";
import { parseAckSubject } from "../streams/ack-subject.ts";

type Listener = (reply: string) => void;

export class AckRefusals {
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(connection: NatsConnection) {
    this.listen(connection).catch(() => undefined); // It ends with the connection.
  }

  /** @returns what ends it */
  watch(durable: string, listener: Listener): () => void {
    const all = this.listeners.get(durable) ?? new Set();
    this.listeners.set(durable, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size === 0) this.listeners.delete(durable);
    };
  }

  private async listen(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type !== "error" || !(status.error instanceof errors.PermissionViolationError)) continue;
      const { operation, subject } = status.error;
      if (operation === "publish") this.hear(subject);
    }
  }

  private hear(reply: string): void {
    const info = parseAckSubject(reply);
    if (info === undefined) return;
    for (const listener of this.listeners.get(info.consumer) ?? []) listener(reply);
  }
}
