// Looking a consumer up between its pulls, for how it is set up, and for what a look does to it.

import type { ConsumerConfig, JetStreamManager } from "@nats-io/jetstream";
import { within } from "../clock.ts";
import type { DurableSpec } from "../streams/durable-consumer.ts";
import type { StreamDeps } from "./stream-deps.ts";

export interface ConsumerLookOptions {
  readonly deps: Pick<StreamDeps, "clock" | "sender">;
  readonly jsm: JetStreamManager;
  readonly spec: DurableSpec;
  readonly onConfig: (config: ConsumerConfig) => void;
}

/**
 * A server that is there answers within milliseconds. Of one that is away nothing is to be had by waiting, and whoever turns a
 * handler off would wait as well.
 */
const PURGE_MS = 500;

export class ConsumerLook {
  private readonly options: ConsumerLookOptions;
  private isLooking = false;

  constructor(options: ConsumerLookOptions) {
    this.options = options;
  }

  /** How it is set up now: what it may be asked for, where a refusal did not tell; how long the server waits for a word. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const info = await this.lookUp();
    this.isLooking = false;
    if (info !== undefined) this.options.onConfig(info.config);
  }

  /**
   * A look makes the server drop requests that nobody listens for any more. Server 2.9 would else meet one with a redelivery
   * in hand, and then forget that redelivery for the ack wait and deliver another message twice. Never rejects.
   */
  async purgeRequests(): Promise<void> {
    const { clock, sender } = this.options.deps;
    if (sender.isUp) await within(clock, PURGE_MS, this.lookUp());
  }

  /** Undefined: it is gone, or cannot be asked, which is told elsewhere. */
  private async lookUp() {
    const { jsm, spec } = this.options;
    return jsm.consumers.info(spec.stream, spec.durable).catch(() => undefined);
  }
}
