// `durable` handlers: one durable pull consumer, and, when dead letters are redriven to the handler, a second small one.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { RuntimeError } from "../errors.ts";
import type { Binding, BindingOwner } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";
import type { HoldBoard } from "../message/hold.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type DurableSpec, type EnsuredDurable, ensureDurable } from "../streams/durable-consumer.ts";
import { costsOf, removedAfterMs } from "../streams/durable-costs.ts";
import { keepDurable } from "../streams/durable-touch.ts";
import { otherDurables, settledByOther } from "../streams/handler-durable.ts";
import type { LeftDurable } from "../streams/left-behind.ts";
import { type AppDurable, waitingIn } from "../streams/left-durables.ts";
import { findConsumer } from "../streams/stored-consumer.ts";
import { RedriveSource } from "./redrive-source.ts";
import { readStreamMessage, StreamDelivery } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import { StreamIntake } from "./stream-intake.ts";
import { streamIdPrefix } from "./stream-settler.ts";
import { StreamWatch } from "./stream-watch.ts";

export interface StreamBindingOptions {
  readonly deps: StreamDeps;
  readonly handler: string;
  readonly stream: string;
  /** handler-durable.ts, H2. */
  readonly durable: string;
  readonly metadata: ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly holds: HoldBoard;
  readonly onFault: (error: RuntimeError) => void;
  /** The stream that takes the subject now; undefined: cannot be said. Never rejects. */
  readonly where: () => Promise<string | undefined>;
  readonly onMoved: () => void;
}

/** Set up the consumer and take from it. Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED. */
export async function bindStream(options: StreamBindingOptions): Promise<StreamBinding> {
  const { deps, handler, stream, durable, metadata } = options;
  const { domain, subject: filter } = metadata;
  const spec: DurableSpec = { app: deps.app, handler, stream, domain, durable, filter };
  const jsm = await deps.managerOf(domain);
  const ensured = await ensureDurable(deps.connection, jsm, spec);
  for (const { level, text } of costsOf(ensured.config, spec)) deps.notices.tell(`${handler} ${text}`, level, text);
  // Only what waits can have been settled by another. Where we may not look, it runs again.
  const others = ensured.waiting === 0 ? [] : await otherDurables(jsm, spec).catch(() => []);
  return new StreamBinding(options, { spec, jsm, ensured, others });
}

interface Bound {
  readonly spec: DurableSpec;
  readonly jsm: JetStreamManager;
  readonly ensured: EnsuredDurable;
  /** The handler's durables of other subjects, as they were when it was bound. */
  readonly others: readonly AppDurable[];
}

export class StreamBinding implements Binding {
  readonly idPrefix: string;
  private metadata: ResolvedMetadata;
  private readonly intake: StreamIntake;
  private readonly redrives: RedriveSource;
  private readonly watch: StreamWatch;
  private readonly bound: Bound;
  private readonly release: () => void;

  constructor(options: StreamBindingOptions, bound: Bound) {
    const { deps, handler, stream, owner } = options;
    const { spec, jsm, ensured, others } = bound;
    this.bound = bound;
    this.idPrefix = streamIdPrefix(stream, spec.domain);
    this.metadata = options.metadata;
    const metadata = () => this.metadata;
    this.intake = new StreamIntake({
      deps,
      spec,
      jsm,
      metadata,
      owner,
      read: readStreamMessage,
      settledBefore: ({ subject, seq }) => settledByOther(others, subject, seq),
      // Dead letters that are not stored yet hold their slots: a handler that fails everything is not fed faster than they.
      free: (_inHand, late) => owner.room - late,
      holds: options.holds,
      onError: options.onFault,
      onStreamGone: () => void this.watch.look(),
    });
    this.watch = watchStream(options, spec, jsm);
    const afterMs = removedAfterMs(ensured.config);
    // Set aside or at a standstill it asks for nothing.
    this.release = afterMs === undefined ? () => undefined : keepDurable(deps, spec, afterMs, () => this.intake.asks);
    this.redrives = new RedriveSource({ deps, handler, stream, metadata, owner, onError: options.onFault });
    this.intake.start(ensured);
    this.redrives.start();
  }

  get hasMoved(): boolean {
    return this.watch.hasMoved;
  }

  lookAgain(): Promise<void> {
    return this.watch.look();
  }

  /**
   * What waits in its durable beside what is in hand; undefined: nothing, as far as can be said. To be asked when it is
   * unbound. Never rejects.
   */
  async leftBehind(): Promise<LeftDurable | undefined> {
    const { spec, jsm } = this.bound;
    const inHand = this.intake.size;
    const info = await findConsumer(jsm, spec.stream, spec.durable).catch(() => undefined);
    if (info === undefined) return undefined;
    const waiting = info.num_pending + Math.max(0, info.num_ack_pending - inHand);
    return waiting > 0 ? { ...spec, waiting } : undefined;
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
    this.watch.close();
    this.release();
    await Promise.all([this.intake.unbind(), this.redrives.unbind()]);
  }
}

function watchStream({ deps, where, onMoved }: StreamBindingOptions, spec: DurableSpec, jsm: JetStreamManager) {
  const { stream, durable, handler, filter } = spec;
  const moved = (to: string) => `stream "${to}" takes "${filter}" of handler "${handler}" now, no longer "${stream}"`;
  return new StreamWatch({
    clock: deps.clock,
    stream,
    where,
    left: () => waitingIn(jsm, stream, durable),
    onMoved(to) {
      deps.notices.tell(`moved ${handler} ${to}`, "warn", `${moved(to)}: it is bound to that one`);
      onMoved();
    },
    onLeftBehind(to, messages) {
      const text = `${moved(to)}: it is bound to that one when the ${messages} messages left in the old one are handled`;
      deps.notices.tell(`moving ${handler} ${to}`, "warn", text);
    },
  });
}
