// Takes messages from one durable consumer and hands them to an owner, with as many in hand as there are slots.
//
// I1  A message in hand is kept from being delivered again: `working()` every tick. One that comes again all the same
//     is not handed over twice; its settlement goes to where it came last.
// I2  A redelivery is checked against what was given back before, so that only real attempts are charged.
// I3  A message that must not run any more (arrival.ts) becomes a dead letter; one of a subject that is not the
//     handler's, left from before it changed, is charged as failed.
// I4  A consumer that is lost is looked up, made anew if need be, and pulled from again, for as long as it takes.

import type { Msg } from "@nats-io/transport-node";
import { type Timer, within } from "../clock.ts";
import type { Settlement } from "../deliver/settle.ts";
import { RuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { matches } from "../metadata/subject.ts";
import { type AckInfo, parseAckSubject } from "./ack-subject.ts";
import { arrivalVerdict } from "./arrival.ts";
import type { BindingOwner } from "./binding.ts";
import { type DurableSpec, ensureDurable } from "./durable-consumer.ts";
import { PullSource, TICK_MS } from "./pull.ts";
import { StreamDelivery, type StreamMessage } from "./stream-delivery.ts";
import type { StreamServices } from "./stream-services.ts";
import { StreamSettler } from "./stream-settler.ts";

export interface IntakeOptions {
  readonly services: StreamServices;
  readonly spec: DurableSpec;
  /** As it is now: a reload changes it. */
  readonly metadata: () => ResolvedMetadata;
  readonly owner: BindingOwner;
  /** The message as the handler is to see it. */
  readonly read: (message: Msg, info: AckInfo) => StreamMessage | Promise<StreamMessage>;
  /** Slots that nothing is in. `late`: of those in hand, how many have ended and are only not settled yet. */
  readonly free: (inHand: number, late: number) => number;
  readonly onExpired?: () => void;
  readonly onError: (error: RuntimeError) => void;
}

const FIRST_REVIVAL_MS = 250;
const LAST_REVIVAL_MS = 15_000;
const LOOKUP_MS = 2_000;
const LEFTOVER_RETRY_MS = 1_000;
const REFUSED_RETRY_MS = 1_000;

type IntakeState =
  | { readonly kind: "idle" }
  | { readonly kind: "pulling" }
  /** The consumer is looked up; with `next`, it was in vain and is tried again then. */
  | { readonly kind: "reviving"; next?: Timer }
  | { readonly kind: "unbound"; readonly done: Promise<void> };

export class StreamIntake {
  private readonly options: IntakeOptions;
  private readonly settler: StreamSettler;
  private readonly pulls: PullSource;
  /** By sequence: everything that came and is not settled with the server. */
  private readonly inHand = new Map<number, StreamDelivery>();
  private readonly forget: () => void;
  private ticks = 0;
  private ticking: Timer | undefined;
  private state: IntakeState = { kind: "idle" };

  constructor(options: IntakeOptions) {
    this.options = options;
    const { services, spec } = options;
    const { handler, stream, durable } = spec;
    const onSettled = (delivery: StreamDelivery, late: boolean) => this.onSettled(delivery, late);
    this.settler = new StreamSettler({ services, handler, stream, durable, onSettled });
    const { connection, uplink, clock, inboxPrefix } = services;
    const owner = {
      free: () => options.free(this.inHand.size, this.settler.late),
      slots: () => options.free(this.inHand.size, this.settler.late) + this.inHand.size,
      arrived: (message: Msg) => this.onMessage(message),
      expired: () => options.onExpired?.(),
      lost: (why: string) => this.onLost(why),
      failed: (error: Error) => this.onFault(error),
    };
    this.pulls = new PullSource({ connection, uplink, clock, inboxPrefix, stream, durable, owner });
    this.forget = uplink.onReconnect(() => this.onReconnect());
  }

  get size(): number {
    return this.inHand.size;
  }

  /** The consumer must be there. */
  start(): void {
    if (this.state.kind === "unbound") return;
    this.stopReviving();
    this.state = { kind: "pulling" };
    this.ticking ??= this.options.services.clock.every(TICK_MS, () => this.tick());
    this.pulls.renew();
  }

  /** Pull no more until `start`; what is in hand stays so. */
  pause(): void {
    if (this.state.kind === "unbound") return;
    this.stopReviving();
    this.state = { kind: "idle" };
    this.pulls.stop();
  }

  roomChanged(): void {
    this.pulls.request();
  }

  apply(delivery: StreamDelivery, settlement: Settlement): string | undefined {
    return this.settler.apply(delivery, settlement);
  }

  /** Resolves when nothing more can arrive; what is in hand goes on. Never rejects. A second call joins the first. */
  unbind(): Promise<void> {
    if (this.state.kind === "unbound") return this.state.done;
    this.stopReviving();
    const done = this.close();
    this.state = { kind: "unbound", done };
    return done;
  }

  private async close(): Promise<void> {
    this.forget();
    await this.pulls.close();
    await this.purgeRequests();
    this.stopTickingWhenEmpty();
  }

  /**
   * Looking a consumer up makes the server drop requests that nobody listens for any more. Server 2.9 would else meet one
   * with a redelivery in hand, and then forget that redelivery for the ack wait and deliver another message twice.
   */
  private async purgeRequests(): Promise<void> {
    const { services, spec } = this.options;
    const lookup = services.jsm.consumers.info(spec.stream, spec.durable).catch(() => undefined); // Gone, then so are they.
    if (services.uplink.isUp) await within(services.clock, LOOKUP_MS, lookup);
  }

  private onMessage(message: Msg): void {
    const { reply = "" } = message;
    const info = parseAckSubject(reply);
    if (info === undefined)
      return this.onFault(new Error(`a message came with the reply subject ${JSON.stringify(reply)}`));
    const again = this.inHand.get(info.streamSequence);
    if (again !== undefined) {
      again.reply = reply;
      return;
    }
    const read = this.options.read(message, info);
    if (read instanceof Promise) void this.arriveLater(read, reply, info);
    else this.arrive(new StreamDelivery(read, reply, info));
  }

  private async arriveLater(read: Promise<StreamMessage>, reply: string, info: AckInfo): Promise<void> {
    try {
      this.arrive(new StreamDelivery(await read, reply, info));
    } catch (error) {
      this.onFault(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private arrive(delivery: StreamDelivery): void {
    delivery.tick = this.ticks;
    this.inHand.set(delivery.info.streamSequence, delivery);
    if (delivery.info.deliveries === 1) this.admit(delivery);
    else void this.admitCharged(delivery);
  }

  /** I2. */
  private async admitCharged(delivery: StreamDelivery): Promise<void> {
    const { services, spec } = this.options;
    const { stream, durable, handler } = spec;
    const lookup = services.givenBack.count(stream, durable, delivery.info.streamSequence).catch((error: unknown) => {
      const message = `handler "${handler}": what was given back cannot be read, so it is charged as an attempt: ${String(error)}`;
      services.notices.tell(`uncharged ${handler}`, "warn", message);
      return 0;
    });
    const uncharged = await within(services.clock, LOOKUP_MS, lookup);
    delivery.attempt = Math.max(1, delivery.info.deliveries - (uncharged === "expired" ? 0 : uncharged));
    try {
      this.admit(delivery);
    } catch (error) {
      this.onFault(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** I3. */
  private admit(delivery: StreamDelivery): void {
    const { services, spec, owner } = this.options;
    const metadata = this.options.metadata();
    if (delivery.missing !== undefined) {
      return this.settler.bury(delivery, "expired", { reason: "expired", text: delivery.missing });
    }
    const needsTime = metadata.expiresMs > 0 || delivery.attempt > metadata.retry.attempts;
    const arrival = { attempt: delivery.attempt, storedAtMs: delivery.info.storedAtMs };
    const verdict = arrivalVerdict(arrival, metadata, needsTime ? services.clock.nowMs() : 0);
    if (verdict.do === "dead-letter") {
      const message = `a message of handler "${spec.handler}" ("${delivery.subject}") became a dead letter unrun: ${verdict.text}`;
      services.notices.tell(`unrun ${verdict.reason} ${spec.handler}`, "warn", message);
      return this.settler.bury(delivery, verdict.reason, verdict);
    }
    if (delivery.subject !== metadata.subject && !matches(metadata.subject, delivery.subject)) {
      this.settler.apply(delivery, { do: "retry", delayMs: LEFTOVER_RETRY_MS });
      return;
    }
    if (!owner.accept(delivery)) this.settler.giveBack(delivery, REFUSED_RETRY_MS);
  }

  private onSettled(delivery: StreamDelivery, late: boolean): void {
    this.inHand.delete(delivery.info.streamSequence);
    if (late) this.pulls.request();
    if (this.state.kind === "unbound") this.stopTickingWhenEmpty();
  }

  private stopTickingWhenEmpty(): void {
    if (this.inHand.size > 0) return;
    this.ticking?.cancel();
    this.ticking = undefined;
  }

  /** I1. */
  private tick(): void {
    for (const delivery of this.inHand.values()) {
      if (delivery.tick < this.ticks) this.settler.working(delivery);
    }
    this.ticks++;
    this.pulls.tick();
  }

  private onReconnect(): void {
    if (this.state.kind === "pulling") void this.revive("", FIRST_REVIVAL_MS);
  }

  private onLost(why: string): void {
    if (this.state.kind === "pulling") void this.revive(why, FIRST_REVIVAL_MS);
  }

  /** I4. @param why empty when the connection came back: nothing to tell then */
  private async revive(why: string, waitMs: number): Promise<void> {
    const { services, spec } = this.options;
    const state: IntakeState = { kind: "reviving" };
    this.state = state;
    // The lookup that follows makes the server drop its requests: see `purgeRequests`.
    this.pulls.stop();
    try {
      const how = await ensureDurable(services.connection, services.jsm, spec);
      if (how === "created") this.tellCreated(why);
      if (this.state === state) this.start();
    } catch (error) {
      if (this.state !== state) return;
      this.onFault(error);
      const nextMs = Math.min(waitMs * 2, LAST_REVIVAL_MS);
      state.next = services.clock.after(waitMs, () => void this.revive(why, nextMs));
    }
  }

  private stopReviving(): void {
    if (this.state.kind === "reviving") this.state.next?.cancel();
  }

  private tellCreated(why: string): void {
    const { services, spec } = this.options;
    const { durable, stream, handler } = spec;
    const reason = why === "" ? "it was gone after a reconnect" : `the server says: ${why}`;
    const message = `durable "${durable}" of stream "${stream}" was removed (${reason}) and is made anew; everything still stored for handler "${handler}" is delivered again`;
    services.notices.tell(`recreated ${durable}`, "warn", message);
  }

  private onFault(error: unknown): void {
    const { spec, services, onError } = this.options;
    if (error instanceof RuntimeError) {
      services.notices.tell(`${error.code} ${spec.durable}`, "error", error.message);
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    const message = `taking messages from durable "${spec.durable}" of stream "${spec.stream}" failed: ${reason}`;
    onError(new RuntimeError("NATS_REFUSED", message, { handler: spec.handler, cause: error }));
  }
}
