// `durable` handlers: one durable pull consumer, and, when dead letters are redriven to the handler, a second small one.

import type { Delivery } from "../deliver/delivery.ts";
import type { Settlement } from "../deliver/settle.ts";
import type { RuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { hasWildcards } from "../metadata/subject.ts";
import type { Binding, BindingOwner } from "./binding.ts";
import { type DurableSpec, ensureDurable } from "./durable-consumer.ts";
import { durableNameOf } from "./durable-name.ts";
import { RedriveSource } from "./redrive-source.ts";
import { readStreamMessage, StreamDelivery } from "./stream-delivery.ts";
import { StreamIntake } from "./stream-intake.ts";
import type { StreamServices } from "./stream-services.ts";

export interface StreamBindingOptions {
  readonly services: StreamServices;
  readonly handler: string;
  readonly stream: string;
  readonly metadata: ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly onLost: (error: RuntimeError) => void;
}

/** Set up the consumer and take from it. Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED. */
export async function bindStream(options: StreamBindingOptions): Promise<Binding> {
  const { services, handler, stream, metadata } = options;
  const durable = durableNameOf(services.app, handler);
  const spec: DurableSpec = { app: services.app, handler, stream, durable, filter: metadata.subject };
  await ensureDurable(services.connection, services.jsm, spec);
  return new StreamBinding(options, spec);
}

export function streamIdPrefix(stream: string): string {
  return `${stream}:`;
}

class StreamBinding implements Binding {
  readonly idPrefix: string;
  private metadata: ResolvedMetadata;
  private readonly intake: StreamIntake;
  private readonly redrives: RedriveSource;

  constructor(options: StreamBindingOptions, spec: DurableSpec) {
    const { services, handler, stream, owner } = options;
    this.idPrefix = streamIdPrefix(stream);
    this.metadata = options.metadata;
    const metadata = () => this.metadata;
    const fixedSubject = hasWildcards(spec.filter) ? undefined : spec.filter;
    this.intake = new StreamIntake({
      services,
      spec,
      metadata,
      owner,
      read: (message, info) => readStreamMessage(message, info, fixedSubject),
      // Dead letters that are not stored yet hold their slots: a handler that fails everything is not fed faster than they.
      free: (_inHand, late) => owner.room - late,
      onError: options.onLost,
    });
    this.redrives = new RedriveSource({ services, handler, stream, metadata, owner, onError: options.onLost });
    this.intake.start();
    this.redrives.start();
  }

  adopt(metadata: ResolvedMetadata): void {
    this.metadata = metadata;
    this.roomChanged();
  }

  apply(delivery: Delivery, settlement: Settlement): string | undefined {
    if (!(delivery instanceof StreamDelivery)) return undefined;
    return (delivery.history === undefined ? this.intake : this.redrives).apply(delivery, settlement);
  }

  chunk(): void {
    // Nobody waits for a reply to a stored message.
  }

  roomChanged(): void {
    this.intake.roomChanged();
    this.redrives.roomChanged();
  }

  async unbind(): Promise<void> {
    await Promise.all([this.intake.unbind(), this.redrives.unbind()]);
  }
}
