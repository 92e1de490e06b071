// `durable` handlers: a durable pull consumer for each subject, and, when dead letters are redriven to the handler, a small
// one for those.

import type { RuntimeError } from "../errors.ts";
import type { Binding, BindingOwner } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";
import type { HoldBoard } from "../message/hold.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { LeftDurable } from "../streams/left-behind.ts";
import { keyStream } from "./key-marks.ts";
import { Lease } from "./lease.ts";
import { RedriveSource } from "./redrive-source.ts";
import { SharedHolds } from "./shared-holds.ts";
import { SharedRoom } from "./shared-room.ts";
import { StandbyRoom } from "./standby-room.ts";
import { StreamDelivery } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import { streamIdPrefix } from "./stream-settler.ts";
import { type ReadyDurable, readyDurable, type SourcePlace, StreamSource } from "./stream-source.ts";

export interface StreamBindingOptions {
  readonly deps: StreamDeps;
  readonly handler: string;
  /** One for each subject, in their order: the number of a place is the origin of its deliveries. */
  readonly places: readonly SourcePlace[];
  /** What goes on for as long as it is bound; ended with it. */
  readonly upkeep?: Upkeep | undefined;
  readonly metadata: ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly holds: HoldBoard;
  readonly onFault: (error: RuntimeError) => void;
  readonly onMoved: () => void;
}

/** Begins it, and returns what ends it. */
export type Upkeep = (told: Pick<StreamBindingOptions, "holds" | "onFault">) => () => Promise<void>;

/** Set up the consumers and take from them. Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED; nothing is taken then. */
export async function bindStream(options: StreamBindingOptions): Promise<StreamBinding> {
  const { deps, handler, places, metadata } = options;
  const ready = await Promise.all(places.map((place) => readyDurable(deps, handler, place, metadata)));
  return new StreamBinding(options, ready);
}

/** Before what the messages of a place say of themselves. */
export function idPrefixOf({ stream, copyOf }: SourcePlace, { domain }: Pick<ResolvedMetadata, "domain">): string {
  return streamIdPrefix(copyOf ?? stream, domain);
}

export class StreamBinding implements Binding {
  readonly idPrefixes: readonly string[];
  private readonly options: StreamBindingOptions;
  private metadata: ResolvedMetadata;
  private readonly sources: readonly StreamSource[];
  private readonly redrives: RedriveSource;
  private readonly endUpkeep: () => Promise<void>;
  /** Undefined: every replica runs it. */
  private readonly lease: Lease | undefined;
  /** Undefined: there is one place only. */
  private readonly sharedRoom: SharedRoom | undefined;

  constructor(options: StreamBindingOptions, ready: readonly ReadyDurable[]) {
    const { deps, handler, places, onFault } = options;
    this.options = options;
    this.metadata = options.metadata;
    this.idPrefixes = places.map((place) => idPrefixOf(place, this.metadata));
    const metadata = () => this.metadata;
    const holds = new SharedHolds(options.holds);
    this.lease = options.metadata.singleton ? this.leaseOf(options) : undefined;
    const room = this.lease === undefined ? options.owner : new StandbyRoom(options.owner, this.lease);
    this.sharedRoom = places.length > 1 ? new SharedRoom(room, deps.clock, () => this.withdraw()) : undefined;
    const owner = this.sharedRoom ?? room;
    this.sources = places.map((place, origin) => {
      const own = { ...options, ...place, owner, origin, metadata, holds: holds.boardOf(place.subject) };
      return new StreamSource(own, ready[origin]!);
    });
    const streams = places.map(({ stream, copyOf }) => copyOf ?? stream);
    const isStandby = () => this.isStandby;
    this.redrives = new RedriveSource({ deps, handler, streams, metadata, owner, isStandby, onError: onFault });
    this.redrives.start();
    this.endUpkeep = options.upkeep?.({ holds: holds.boardOf("upkeep"), onFault }) ?? (async () => undefined);
  }

  /** Another replica runs the handler. */
  get isStandby(): boolean {
    return this.lease?.isHeld === false;
  }

  private leaseOf({ deps, handler }: StreamBindingOptions): Lease {
    const { instance, marks, clock, notices, sender } = deps;
    return new Lease({
      ...{ handler, instance, marks, clock },
      onChange: (isHeld) => {
        const what = isHeld ? "runs it from now on" : "no longer runs it";
        notices.tell(`lease ${handler} ${what}`, "info", `handler "${handler}" is a singleton: this replica ${what}`);
        if (isHeld) this.roomChanged();
        else this.withdraw();
      },
      onTrouble: (error) => {
        if (!sender.isUp) return; // That NATS is gone is told by others.
        const why = error instanceof Error ? error.message : String(error);
        const message = `handler "${handler}" is a singleton, and which replica runs it could not be read from stream "${keyStream(deps.app)}", or written to it, which \`handlers start --provision\` makes; tried again every second: ${why}`;
        notices.tell(`lease ${handler}`, "error", message);
      },
    });
  }

  get hasMoved(): boolean {
    return this.sources.some((source) => source.hasMoved);
  }

  async lookAgain(): Promise<void> {
    await Promise.all(this.sources.map((source) => source.lookAgain()));
  }

  /** Of one of its places: see `StreamSource.leftBehind`. */
  leftBehind(origin: number): Promise<LeftDurable | undefined> {
    return this.sources[origin]!.leftBehind();
  }

  adopt(metadata: ResolvedMetadata): void {
    this.metadata = metadata;
    this.roomChanged();
  }

  apply(delivery: Delivery, settlement: Settlement): string | undefined {
    if (!(delivery instanceof StreamDelivery)) return undefined;
    return delivery.history === undefined
      ? this.sources[delivery.origin]?.apply(delivery, settlement)
      : this.redrives.apply(delivery, settlement);
  }

  inSlot(delivery: Delivery, isInSlot: boolean): void {
    if (!(delivery instanceof StreamDelivery)) return;
    if (delivery.history === undefined) this.sources[delivery.origin]?.inSlot(delivery, isInSlot);
    else this.redrives.inSlot(delivery, isInSlot);
  }

  chunk(): void {
    // Nobody waits for a reply to a stored message.
  }

  roomChanged(): void {
    this.sharedRoom?.changed();
    for (const source of this.sources) source.roomChanged();
    this.redrives.roomChanged();
  }

  private withdraw(): void {
    for (const source of this.sources) source.withdraw();
  }

  async unbind(): Promise<void> {
    const unbound = [...this.sources, this.redrives].map((source) => source.unbind());
    await Promise.all([...unbound, this.endUpkeep()]);
    const { deps } = this.options;
    if (this.lease !== undefined)
      deps.pending.add(this.lease.close(() => this.sources.every(({ inHand }) => inHand === 0)));
  }
}
