// `event` handlers where JetStream is there: failed messages are kept as dead letters, and can be redriven.

import type { Binding } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";
import { deliveryIdOf, letterIdOf } from "../message/message-id.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { RedriveSource } from "./redrive-source.ts";
import { StreamDelivery } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import { type Failure, WILL_BE_LETTER } from "./stream-settler.ts";

export interface EventBindingOptions {
  readonly deps: StreamDeps;
  readonly handler: string;
  readonly core: Binding;
  readonly redrives: RedriveSource;
}

const DROP_REPORT_MS = 1_000;
const DROPPED = "dropped: messages fail faster than their dead letters can be stored";

export class EventBinding implements Binding {
  readonly idPrefixes: readonly string[];
  private readonly options: EventBindingOptions;
  private dropped = 0;

  constructor(options: EventBindingOptions) {
    this.options = options;
    this.idPrefixes = options.core.idPrefixes;
    options.redrives.start();
  }

  apply(delivery: Delivery, settlement: Settlement): string | undefined {
    const { core, redrives } = this.options;
    if (delivery instanceof StreamDelivery) return redrives.apply(delivery, settlement);
    if (settlement.do !== "dead-letter") return core.apply(delivery, settlement);
    // Told as settled first, so that a second settlement finds nothing to do. It says nothing when it was settled.
    if (core.apply(delivery, settlement) === undefined) return undefined;
    if (this.keep(delivery, settlement)) return WILL_BE_LETTER;
    this.reportDrop();
    return DROPPED;
  }

  chunk(delivery: Delivery, data: Uint8Array): void {
    this.options.core.chunk(delivery, data);
  }

  roomChanged(): void {
    this.options.core.roomChanged();
    this.options.redrives.roomChanged();
  }

  adopt(metadata: ResolvedMetadata): void {
    this.options.core.adopt?.(metadata);
  }

  async unbind(): Promise<void> {
    await Promise.all([this.options.core.unbind(), this.options.redrives.unbind()]);
  }

  /** False when it fails faster than its letters can be stored. */
  private keep(delivery: Delivery, failure: Failure): boolean {
    const { deps, handler } = this.options;
    const nowMs = deps.clock.nowMs();
    const kept = deps.letters.keepIfRoom({
      id: letterIdOf(deps.app, handler, deliveryIdOf(this.idPrefixes, delivery)),
      handler,
      version: failure.version,
      reason: failure.reason,
      message: failure.text,
      stack: failure.stack,
      subject: delivery.subject,
      stream: undefined,
      sequence: delivery.seq,
      storedAtMs: undefined,
      attempts: delivery.attempt,
      firstFailedAtMs: nowMs,
      lastFailedAtMs: nowMs,
      instance: deps.instance,
      redriven: 0,
      headers: delivery.headers,
      data: delivery.data,
    });
    if (kept === undefined) return false;
    deps.pending.add(kept.then((stored) => (stored ? undefined : this.reportLoss())));
    return true;
  }

  /** Nothing else holds a message of core NATS. */
  private reportLoss(): void {
    const { deps, handler } = this.options;
    const message = `a failed message of handler "${handler}" is lost: its dead letter could not be stored before the runtime ended`;
    deps.notices.tell(`lost ${handler}`, "error", message);
  }

  /** It may be thousands a second; the log gets one line. */
  private reportDrop(): void {
    if (this.dropped++ > 0) return;
    const { deps, handler } = this.options;
    deps.clock.after(DROP_REPORT_MS, () => {
      const why = "messages fail faster than their dead letters can be stored";
      deps.emit({ type: "delivery.dropped", handler, count: this.dropped, why });
      this.dropped = 0;
    });
  }
}
