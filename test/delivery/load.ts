// Publishes numbered messages at a steady rate. One counts from when the stream has confirmed it, and is offered until then.

import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { delay, systemClock } from "../../runtime/clock.ts";
import type { Message } from "./message.ts";

export interface LoadOptions {
  readonly client: NatsConnection;
  readonly perSecond: number;
  readonly messageOf: (id: number) => Message;
  /** Every subject that takes the message: one, unless the publisher has to address each service. */
  readonly subjectsOf: (id: number) => readonly string[];
}

const AT_ONCE = 50;
const TICK_MS = 10;
const CONFIRM_MS = 1_000;
const AGAIN_MS = 30;

export class Load {
  private readonly options: LoadOptions;
  private readonly stored: Message[] = [];
  private state: "running" | "held" | "stopped" = "running";
  private wake: () => void = () => {};
  private readonly running: Promise<void>;
  private underWay: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.options = options;
    this.running = this.run();
  }

  /** What the stream has confirmed. */
  get sent(): readonly Message[] {
    return this.stored;
  }

  /** Resolves when so many more have been confirmed. */
  async more(count: number): Promise<void> {
    const goal = this.stored.length + count;
    while (this.stored.length < goal && this.state !== "stopped") await delay(systemClock, TICK_MS);
  }

  /** Publish nothing for a while. Resolves when all that was offered is confirmed. */
  async hold(): Promise<void> {
    this.state = "held";
    await this.underWay;
  }

  resume(): void {
    this.state = "running";
    this.wake();
  }

  /** Resolves with what was published, all of it confirmed. */
  async stop(): Promise<readonly Message[]> {
    this.state = "stopped";
    this.wake();
    await this.running;
    return this.stored;
  }

  private async run(): Promise<void> {
    let next = 1;
    let from = systemClock.monotonicMs();
    let before = 0;
    for (;;) {
      if (this.state === "stopped") return;
      if (this.state === "held") {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        from = systemClock.monotonicMs();
        before = next - 1;
        continue;
      }
      const due = before + Math.floor(((systemClock.monotonicMs() - from) / 1_000) * this.options.perSecond);
      const ids = Array.from({ length: Math.min(AT_ONCE, due - next + 1) }, (_, at) => next + at);
      next += ids.length;
      this.underWay = Promise.all(ids.map((id) => this.publish(id)));
      await this.underWay;
      await delay(systemClock, TICK_MS);
    }
  }

  private async publish(id: number): Promise<void> {
    const message = this.options.messageOf(id);
    const text = JSON.stringify(message);
    for (const subject of this.options.subjectsOf(id)) {
      while (!(await this.confirmed(subject, text, id))) await delay(systemClock, AGAIN_MS);
    }
    this.stored.push(message);
  }

  private confirmed(subject: string, text: string, id: number): Promise<boolean> {
    return jetstream(this.options.client)
      .publish(subject, text, { msgID: `${id}`, timeout: CONFIRM_MS })
      .then(
        () => true,
        () => false,
      );
  }
}
