// Takes messages from one durable consumer and hands them to an owner, with as many in hand as there are slots.
//
// I1  A message in hand is kept from being delivered again (ack-beat.ts). One that comes again all the same
//     is not handed over twice; its settlement goes to where it came last. Another message of the same number says that
//     the stream was made anew: what was in hand of the old one is settled with nobody.
// I2, I3, I5  What has arrived is decided: admissions.ts. Nothing is unbound before; what comes after that goes back unrun.
// I4  A consumer that is lost is looked up, made anew if need be, and pulled from again, for as long as it takes (revival.ts).
// I6  What was handled before a break, and comes again because that was forgotten, is acknowledged again, unrun; so is what
//     the handler took under another subject already.
// I7  Without the right to acknowledge nothing is taken (ack-right.ts).
// I8  What reached a `max_deliver` of somebody's is a dead letter (delivery-limit.ts).

import type { ConsumerConfig, JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import type { Timer } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { BindingOwner } from "../message/binding.ts";
import { type HoldBoard, NO_BOARD } from "../message/hold.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { hasDomains } from "../nats/jetstream.ts";
import { type AckInfo, parseAckSubject } from "../streams/ack-subject.ts";
import type { DurableSpec, EnsuredDurable } from "../streams/durable-consumer.ts";
import { AckBeat } from "./ack-beat.ts";
import { AckRight } from "./ack-right.ts";
import { Admissions } from "./admissions.ts";
import { ConsumerLook } from "./consumer-look.ts";
import { ConsumerWatch } from "./consumer-watch.ts";
import { DeliveryLimit } from "./delivery-limit.ts";
import { PullSource, TICK_MS } from "./pull.ts";
import { PutOffs } from "./put-offs.ts";
import { RecentlyHandled } from "./recently-handled.ts";
import { Revival } from "./revival.ts";
import { type MessageContent, StreamDelivery, type StreamMessage } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import { StreamSettler } from "./stream-settler.ts";

export interface IntakeOptions {
  readonly deps: StreamDeps;
  readonly spec: DurableSpec;
  /** Of the JetStream that has the stream. */
  readonly jsm: JetStreamManager;
  /** As it is now: a reload changes it. */
  readonly metadata: () => ResolvedMetadata;
  readonly owner: BindingOwner;
  /** The message as the handler is to see it. */
  readonly read: (message: MessageContent, info: AckInfo) => StreamMessage;
  /** When the handler has settled it already, in words: then it is acknowledged, unrun. */
  readonly settledBefore?: (message: StreamMessage, info: AckInfo) => string | undefined;
  /** It is done with for good. */
  readonly onDone?: (info: AckInfo) => void;
  /**
   * Slots that nothing is in. `inHand`: how many hold one. `late`: of those, how many have ended and are only not settled
   * yet.
   */
  readonly free: (inHand: number, late: number) => number;
  readonly onExpired?: () => void;
  /** Undefined: what holds it is told elsewhere. */
  readonly holds: HoldBoard | undefined;
  readonly onError: (error: RuntimeError) => void;
  /** The stream is not there any more: the consumer cannot be made anew. Each time that is found. */
  readonly onStreamGone?: () => void;
}

type IntakeState =
  | { readonly kind: "idle" }
  | { readonly kind: "pulling" }
  /** The consumer is looked up. */
  | { readonly kind: "reviving" }
  /** I7. */
  | { readonly kind: "denied" }
  | { readonly kind: "unbound"; readonly done: Promise<void> };

export class StreamIntake {
  private readonly options: IntakeOptions;
  private readonly settler: StreamSettler;
  private readonly pulls: PullSource;
  private readonly admissions: Admissions;
  private readonly handled: RecentlyHandled;
  private readonly putOffs: PutOffs;
  /** By sequence: everything that came and is not settled with the server. */
  private readonly inHand = new Map<number, StreamDelivery>();
  /** Those that are deferred. */
  private readonly withoutSlot = new Set<StreamDelivery>();
  private readonly beat: AckBeat;
  private readonly right: AckRight;
  private readonly looks: ConsumerLook;
  private readonly limit: DeliveryLimit;
  private readonly revival: Revival;
  private readonly watch: ConsumerWatch | undefined;
  private readonly forget: () => void;
  private ticking: Timer | undefined;
  private state: IntakeState = { kind: "idle" };

  constructor(options: IntakeOptions) {
    this.options = options;
    const { deps, spec, metadata } = options;
    const { handler, stream, domain, durable } = spec;
    this.handled = new RecentlyHandled(deps.clock);
    this.putOffs = new PutOffs({
      clock: deps.clock,
      again: (delivery) => this.admissions.decideAgain(delivery),
      giveBack: (delivery) => this.settler.giveBack(delivery, 0),
      onRoom: () => this.pulls.request(),
    });
    this.settler = new StreamSettler({
      deps,
      handler,
      stream,
      domain: spec.domain,
      durable,
      putOffs: this.putOffs,
      onSettled: (delivery, late) => this.onSettled(delivery, late),
      onRoom: () => this.pulls.request(),
      onDone: ({ info }) => {
        this.handled.add(info);
        options.onDone?.(info);
      },
    });
    this.looks = new ConsumerLook({ deps, jsm: options.jsm, spec, onConfig: (config) => this.adopt(config) });
    this.beat = new AckBeat(
      deps.clock,
      () => this.inHand,
      (delivery) => this.settler.working(delivery),
    );
    this.right = new AckRight({
      ...{ deps, stream, durable, holds: options.holds ?? NO_BOARD },
      onDenied: () => this.onDenied(),
      onGranted: (refused) => this.onGranted(refused),
    });
    const onFault = (error: unknown) => this.onFault(error);
    this.revival = new Revival({
      ...{ deps, jsm: options.jsm, spec, holds: options.holds ?? NO_BOARD, onFault },
      onAlive: (ensured) => this.start(ensured),
      onStreamGone: () => options.onStreamGone?.(),
    });
    this.limit = new DeliveryLimit({
      ...{ deps, jsm: options.jsm, spec, onFault },
      keepIfInHand: (sequence, why) => this.keepIfInHand(sequence, why),
      onUsedUp: (message, deliveries, why) => this.onUsedUp(message, deliveries, why),
    });
    const { owner: taker } = options;
    const onRoom = () => this.pulls.request();
    this.admissions = new Admissions({ deps, handler, metadata, owner: taker, settler: this.settler, onRoom, onFault });
    const { connection, subscriptions, lingering, sender, clock, inboxPrefix } = deps;
    const owner = {
      free: () => this.free,
      slots: () => this.free + this.inSlots,
      arrived: (message: Msg) => this.onMessage(message),
      expired: () => options.onExpired?.(),
      refused: () => void this.looks.look(),
      lost: (why: string) => this.onLost(why),
      failed: (error: Error) => this.onFault(error),
    };
    this.pulls = new PullSource({
      connection,
      subscriptions,
      leave: (subscription, askedMsAgo) =>
        hasDomains(connection, domain)
          ? lingering.leave(subscription, askedMsAgo, () => this.looks.purgeRequests())
          : subscription.close(),
      sender,
      clock,
      inboxPrefix,
      stream,
      domain,
      durable,
      owner,
      holds: options.holds ?? NO_BOARD,
    });
    this.watch = options.holds === undefined ? undefined : this.watchConsumer(options.holds);
    this.forget = sender.onReconnect(() => this.onReconnect());
  }

  private watchConsumer(holds: HoldBoard): ConsumerWatch {
    const { deps, jsm, spec } = this.options;
    const isPulling = () => this.state.kind === "pulling" && deps.sender.isUp;
    return new ConsumerWatch({
      deps,
      jsm,
      spec,
      holds,
      isWaiting: () => isPulling() && this.free > 0,
      oldestInHand: () => this.inHand.values().next().value,
      nextRetryAtMs: (nowMs) => this.settler.retries.nextAtMs(nowMs),
      onInfo: ({ config }) => this.adopt(config),
      onGone: (why) => this.onLost(why),
    });
  }

  private get inSlots(): number {
    return this.inHand.size - this.settler.waiting - this.putOffs.withoutSlot - this.withoutSlot.size;
  }

  private get free(): number {
    const unsettled = this.settler.late + this.putOffs.inSlots + this.admissions.asking;
    return this.options.free(this.inSlots, unsettled);
  }

  /** Whether it asks its consumer for messages now. */
  get asks(): boolean {
    return this.pulls.outstanding > 0;
  }

  /** The consumer must be there. */
  start({ createdAt, config }: EnsuredDurable): void {
    if (this.state.kind === "unbound") return;
    this.handled.resume(createdAt);
    this.revival.stop();
    this.state = { kind: "pulling" };
    this.options.holds?.end("no-answer");
    this.ticking ??= this.options.deps.clock.every(TICK_MS, () => this.tick());
    this.adopt(config);
    this.beat.start();
    this.pulls.renew();
  }

  /** Pull no more until `start`; what is in hand stays so. */
  pause(): void {
    if (this.state.kind === "unbound") return;
    this.revival.stop();
    this.state = { kind: "idle" };
    this.pulls.stop();
  }

  /** Call back what was asked for; it is asked anew when there is room. */
  withdraw(): void {
    if (this.state.kind === "pulling" && this.asks) this.pulls.renew();
  }

  /** Messages that have come and are not settled with the server. */
  get size(): number {
    return this.inHand.size;
  }

  roomChanged(): void {
    this.pulls.request();
  }

  inSlot(delivery: StreamDelivery, isInSlot: boolean): void {
    if (isInSlot) this.withoutSlot.delete(delivery);
    else this.withoutSlot.add(delivery);
  }

  apply(delivery: StreamDelivery, settlement: Settlement): string | undefined {
    return this.settler.apply(delivery, settlement);
  }

  /** Resolves when nothing more can arrive that is to be run; what is in hand goes on. Never rejects. A second call joins the first. */
  unbind(): Promise<void> {
    if (this.state.kind === "unbound") return this.state.done;
    this.revival.stop();
    const done = this.close();
    this.state = { kind: "unbound", done };
    return done;
  }

  private async close(): Promise<void> {
    this.forget();
    this.watch?.close();
    this.right.close();
    await Promise.all([this.pulls.close(), this.limit.close()]);
    await Promise.all([this.admissions.decided(), this.looks.purgeRequests()]);
    this.admissions.close();
    this.putOffs.stop();
    this.stopTickingWhenEmpty();
  }

  private adopt(config: ConsumerConfig): void {
    this.pulls.adopt(config);
    this.beat.adopt(config);
    this.limit.adopt(config);
  }

  /** I8. */
  private keepIfInHand(sequence: number, why: string): boolean {
    const delivery = this.inHand.get(sequence);
    if (delivery !== undefined) delivery.usedUp = why;
    return delivery !== undefined;
  }

  /** I8. It is not the server's any more: nobody is told what becomes of it. */
  private onUsedUp(message: StoredMsg, deliveries: number, why: string): void {
    const { stream, durable: consumer } = this.options.spec;
    const storedAtMs = message.time.getTime();
    const info = { stream, consumer, deliveries, streamSequence: message.seq, storedAtMs, pending: 0 };
    if (this.handled.knows(info)) return;
    const content = { subject: message.subject, headers: message.header, data: message.data };
    const delivery = new StreamDelivery(this.options.read(content, info), "", info);
    delivery.orphaned = true;
    delivery.attempt = deliveries + 1;
    this.settler.bury(delivery, { reason: "attempts-used", text: why });
  }

  private onMessage(message: Msg): void {
    const { reply = "" } = message;
    const info = parseAckSubject(reply);
    this.watch?.arrived();
    if (info === undefined)
      return this.onFault(new Error(`a message came with the reply subject ${JSON.stringify(reply)}`));
    const again = this.inHand.get(info.streamSequence);
    if (again !== undefined && again.info.storedAtMs === info.storedAtMs) {
      again.reply = reply;
      void this.looks.look(); // Perhaps the server waits less long than we know.
      return;
    }
    if (again !== undefined) again.orphaned = true;
    if (this.handled.comesAgain(info)) return this.acknowledgeUnrun(reply, "before the connection broke");
    const read = this.options.read(message, info);
    const before = this.options.settledBefore?.(read, info);
    if (before !== undefined) return this.acknowledgeUnrun(reply, before);
    const delivery = new StreamDelivery(read, reply, info);
    delivery.round = this.beat.round;
    this.inHand.set(info.streamSequence, delivery);
    this.admissions.decide(delivery);
  }

  /** I6. */
  private acknowledgeUnrun(reply: string, when: string): void {
    const { deps, spec } = this.options;
    this.settler.acknowledgeAgain(reply);
    this.pulls.request();
    const message = `messages of handler "${spec.handler}" came again that were handled ${when}: acknowledged again, unrun`;
    deps.notices.tell(`again ${spec.durable} ${when}`, "info", message);
  }

  private onSettled(delivery: StreamDelivery, late: boolean): void {
    if (!delivery.orphaned) this.inHand.delete(delivery.info.streamSequence);
    if (late) this.pulls.request();
    if (this.state.kind === "unbound") this.stopTickingWhenEmpty();
  }

  private stopTickingWhenEmpty(): void {
    if (this.inHand.size > 0) return;
    this.ticking?.cancel();
    this.ticking = undefined;
    this.beat.stop();
  }

  private tick(): void {
    this.handled.tick();
    this.pulls.tick();
  }

  /** I7. */
  private onDenied(): void {
    if (this.state.kind !== "pulling") return;
    this.state = { kind: "denied" };
    this.pulls.stop();
  }

  /** What was handled, and could not be acknowledged, is: another replica would run it again. */
  private onGranted(refused: Iterable<string>): void {
    for (const reply of refused) {
      const info = parseAckSubject(reply);
      if (info !== undefined && this.handled.knows(info)) this.settler.acknowledgeAgain(reply);
    }
    if (this.state.kind === "denied") this.revive("");
  }

  private onReconnect(): void {
    if (this.state.kind === "pulling") this.revive("");
  }

  private onLost(why: string): void {
    if (this.state.kind === "pulling") this.revive(why);
  }

  /** I4. @param why empty when the connection came back */
  private revive(why: string): void {
    this.state = { kind: "reviving" };
    // The lookup that follows makes the server drop its requests: consumer-look.ts.
    this.pulls.stop();
    this.revival.begin(why);
  }

  private onFault(error: unknown): void {
    const { spec, deps, onError } = this.options;
    if (error instanceof RuntimeError) {
      deps.notices.tell(`${error.code} ${spec.durable}`, "error", error.message);
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    const message = `taking messages from durable "${spec.durable}" of stream "${spec.stream}" failed: ${reason}`;
    onError(new RuntimeError("NATS_REFUSED", message, { handler: spec.handler, cause: error }));
  }
}
