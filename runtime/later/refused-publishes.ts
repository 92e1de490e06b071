// Which core publishes the server has refused. It says so only in passing, so whoever wants to know waits for its next word;
// those who publish together wait together.

import { errors, type NatsConnection } from "@nats-io/transport-node";
import { answered } from "../nats/answered.ts";

export class RefusedPublishes {
  private readonly connection: NatsConnection;
  /** By subject, which refusal was the last. */
  private readonly last = new Map<string, number>();
  private count = 0;
  private current: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(connection: NatsConnection) {
    this.connection = connection;
    this.follow().catch(() => undefined); // It ends with the connection.
  }

  /** To be taken before publishing. */
  get mark(): number {
    return this.count;
  }

  /** To be called after publishing. Rejects when the connection is lost: then nobody can say. */
  async isRefused(subject: string, mark: number): Promise<boolean> {
    await this.answered();
    return (this.last.get(subject) ?? 0) > mark;
  }

  private answered(): Promise<void> {
    if (this.next !== undefined) return this.next;
    const before = this.current.catch(() => undefined);
    const asking: Promise<void> = before.then(async () => {
      this.current = asking;
      this.next = undefined;
      await answered(this.connection);
    });
    this.next = asking;
    return asking;
  }

  private async follow(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type !== "error" || !(status.error instanceof errors.PermissionViolationError)) continue;
      if (status.error.operation === "publish") this.last.set(status.error.subject, ++this.count);
    }
  }
}
