// What a durable handler takes of one of its subjects: a durable pull consumer on the stream that has the subject.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { RuntimeError } from "../errors.ts";
import type { BindingOwner } from "../message/binding.ts";
import type { HoldBoard } from "../message/hold.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata, StartFrom } from "../metadata/handler-metadata.ts";
import { type DurableSpec, type EnsuredDurable, ensureDurable } from "../streams/durable-consumer.ts";
import { costsOf, removedAfterMs } from "../streams/durable-costs.ts";
import { keepDurable } from "../streams/durable-touch.ts";
import { otherDurables, settledByOther } from "../streams/handler-durable.ts";
import type { LeftDurable } from "../streams/left-behind.ts";
import { type AppDurable, waitingIn } from "../streams/left-durables.ts";
import { findConsumer } from "../streams/stored-consumer.ts";
import { SeenSoFar } from "./seen-so-far.ts";
import { readCopy, readStreamMessage, type StreamDelivery } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import { StreamIntake } from "./stream-intake.ts";
import { StreamWatch } from "./stream-watch.ts";

/** Where it takes from. */
export interface SourcePlace {
  readonly subject: string;
  readonly stream: string;
  /** handler-durable.ts, H2. */
  readonly durable: string;
  /** The consumer is this replica's own: it has all messages. */
  readonly ofReplica?: boolean | undefined;
  /** The stream that `stream` is a copy of (streams/ordered-stream.ts): ids and letters name that one. */
  readonly copyOf?: string | undefined;
  /** Up to this number of the stream, everything was handled in another way. */
  readonly settledTo?: number | undefined;
  /** stream-watch.ts, W3. */
  readonly isLeaving?: boolean | undefined;
  /** The stream that takes the subject now; undefined: cannot be said. Never rejects. */
  readonly where: () => Promise<string | undefined>;
  /** Messages that come first if that is another one; by default those of the durable. Never rejects. */
  readonly left?: (() => Promise<number | undefined>) | undefined;
}

export interface SourceOptions extends SourcePlace {
  readonly deps: StreamDeps;
  readonly handler: string;
  /** Of its deliveries. */
  readonly origin: number;
  /** As it is now: a reload changes it. */
  readonly metadata: () => ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly holds: HoldBoard;
  readonly onFault: (error: RuntimeError) => void;
  readonly onMoved: () => void;
}

/** A durable that is there, and what is known of it. */
export interface ReadyDurable {
  readonly spec: DurableSpec;
  readonly jsm: JetStreamManager;
  readonly ensured: EnsuredDurable;
  /** Those of the handler that may have settled what waits in this one. */
  readonly others: readonly AppDurable[];
}

/** Look the consumer up, or make it. Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED. */
export async function readyDurable(
  deps: StreamDeps,
  handler: string,
  { subject: filter, stream, durable, copyOf, settledTo, ofReplica = false }: SourcePlace,
  { domain, ...metadata }: ResolvedMetadata,
): Promise<ReadyDurable> {
  const from = beginningOf(metadata.from, copyOf, settledTo);
  const oneAtATime = metadata.oneAtATime || copyOf !== undefined;
  const looksPast = metadata.fairBy !== undefined;
  const consumer = { stream, domain, durable, filter, oneAtATime, looksPast, ofReplica };
  const spec: DurableSpec = { app: deps.app, handler, ...consumer, from };
  const jsm = await deps.managerOf(domain);
  const ensured = await ensureDurable(deps.connection, jsm, spec);
  // That it goes with the replica is meant, and where it begins is the same at every start.
  if (!ofReplica)
    for (const { level, text } of costsOf(ensured.config, spec)) deps.notices.tell(`${handler} ${text}`, level, text);
  if (!ofReplica && ensured.how === "created" && from.kind !== "all" && from.kind !== "sequence")
    tellBeginning(deps, spec, from);
  // Only what waits can have been settled by another. Where we may not look, it runs again. Partitions share nothing.
  const others =
    ensured.waiting === 0 || copyOf !== undefined || ofReplica ? [] : await otherDurables(jsm, spec).catch(() => []);
  // Should it be lost and made anew, what was stored since then is not passed over.
  const begun: StartFrom = from.kind === "new" ? { kind: "time", atMs: Date.parse(ensured.createdAt) } : from;
  return { spec: { ...spec, from: begun }, jsm, ensured, others };
}

/** What is copied for the handler alone is all for it, and what it had in another way is not. */
function beginningOf(from: StartFrom, copyOf: string | undefined, settledTo: number | undefined): StartFrom {
  if (copyOf !== undefined) return { kind: "all" };
  return settledTo === undefined ? from : { kind: "sequence", sequence: settledTo + 1 };
}

function tellBeginning(deps: StreamDeps, { handler, stream, filter, durable }: DurableSpec, from: StartFrom): void {
  const since =
    from.kind === "time" ? `what was stored since ${new Date(from.atMs).toISOString()}` : "what is stored now";
  const message = `handler "${handler}" meets "${filter}" of stream "${stream}" for the first time, and begins with ${since} (\`from\`): what is older is not for it`;
  deps.notices.tell(`begins ${durable}`, "info", message);
}

export class StreamSource {
  private readonly ready: ReadyDurable;
  private readonly intake: StreamIntake;
  private readonly watch: StreamWatch;
  private readonly release: () => void;

  constructor(options: SourceOptions, ready: ReadyDurable) {
    const { deps, owner, origin, metadata, holds, copyOf, settledTo = 0, ofReplica = false } = options;
    const { jsm, ensured, others } = ready;
    const { from: begun = { kind: "all" } } = ready.spec;
    const seen = ofReplica ? new SeenSoFar(begun, Date.parse(ensured.createdAt)) : undefined;
    const spec = seen === undefined ? ready.spec : goingOn(ready.spec, seen);
    this.ready = ready;
    this.intake = new StreamIntake({
      deps,
      spec,
      jsm,
      metadata,
      owner,
      read: (message, info) =>
        copyOf === undefined ? readStreamMessage(message, info, origin) : readCopy(message, info, origin, copyOf),
      settledBefore: ({ subject, seq }, info) => {
        if (seen?.isDone(info) === true) return "before its consumer was lost";
        seen?.came(info);
        return seq <= settledTo || settledByOther(others, subject, seq) ? "before its subject changed" : undefined;
      },
      onDone: (info) => seen?.done(info),
      // Dead letters that are not stored yet hold their slots: a handler that fails everything is not fed faster than they.
      free: (_inHand, late) => owner.room - late,
      holds,
      onError: options.onFault,
      onStreamGone: () => void this.watch.look(),
    });
    this.watch = watchStream(options, spec, jsm);
    const afterMs = removedAfterMs(ensured.config);
    // Set aside or at a standstill it asks for nothing.
    this.release =
      afterMs === undefined
        ? () => undefined
        : keepDurable(deps, spec, afterMs, () => this.intake.asks || seen?.isFilling === true);
    this.intake.start(ensured);
  }

  get hasMoved(): boolean {
    return this.watch.hasMoved;
  }

  /** Messages that have come and are not settled with the server. */
  get inHand(): number {
    return this.intake.size;
  }

  lookAgain(): Promise<void> {
    return this.watch.look();
  }

  /**
   * What waits in its durable beside what is in hand; undefined: nothing, as far as can be said. To be asked when it is
   * unbound. Never rejects.
   */
  async leftBehind(): Promise<LeftDurable | undefined> {
    const { spec, jsm } = this.ready;
    const inHand = this.intake.size;
    const info = await findConsumer(jsm, spec.stream, spec.durable).catch(() => undefined);
    if (info === undefined) return undefined;
    const waiting = info.num_pending + Math.max(0, info.num_ack_pending - inHand);
    return waiting > 0 ? { ...spec, waiting } : undefined;
  }

  apply(delivery: StreamDelivery, settlement: Settlement): string | undefined {
    return this.intake.apply(delivery, settlement);
  }

  inSlot(delivery: StreamDelivery, isInSlot: boolean): void {
    this.intake.inSlot(delivery, isInSlot);
  }

  roomChanged(): void {
    this.intake.roomChanged();
  }

  /** Call back what was asked for; it is asked anew when there is room. */
  withdraw(): void {
    this.intake.withdraw();
  }

  /** Resolves when nothing more can arrive that is to be run. Never rejects. */
  unbind(): Promise<void> {
    this.watch.close();
    this.release();
    return this.intake.unbind();
  }
}

/** Should it be lost, it is made anew where it was. */
function goingOn(spec: DurableSpec, seen: SeenSoFar): DurableSpec {
  return {
    ...spec,
    get from() {
      return seen.from;
    },
  };
}

function watchStream(
  { deps, where, isLeaving, left, onMoved }: SourceOptions,
  spec: DurableSpec,
  jsm: JetStreamManager,
) {
  const { stream, durable, handler, filter } = spec;
  const moved = (to: string) => `stream "${to}" takes "${filter}" of handler "${handler}" now, no longer "${stream}"`;
  return new StreamWatch({
    clock: deps.clock,
    stream,
    isLeaving,
    where,
    left: left ?? (() => waitingIn(jsm, stream, durable)),
    watched: () => deps.watches.size,
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
