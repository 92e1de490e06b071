// What a handler knows about the message it handles, and what it can do: everything is made when first asked for,
// because most handlers ask for little.

import type { DeferOptions } from "../../sdk/defer.ts";
import { EFFECTS, type EffectsPort } from "../../sdk/effects-port.ts";
import type { OnceGiven } from "../../sdk/once.ts";
import type { BucketOptions } from "../../sdk/stores.ts";
import { REPLAYED_HEADER, SCHEDULED_FOR_HEADER } from "../message/delivery.ts";
import { decodeHeaders, type HeaderPairs } from "../message/header-block.ts";
import { largeHeaderIn } from "../message/large-content.ts";
import { deliveryIdOf } from "../message/message-id.ts";
import { traceIdOf } from "../message/trace-context.ts";
import { claimOn } from "../metadata/claims.ts";
import { wildcardsOf } from "../metadata/subject.ts";
import type { Arrival } from "./arrival.ts";
import type { PublishOptions, RequestOptions } from "./call-options.ts";
import type { Target } from "./call-target.ts";
import { type Deferral, deferral } from "./deferral.ts";
import { ReceivedHeaders } from "./headers.ts";
import { type FetchedContent, fetchLargeContent } from "./large-content.ts";
import { createLog, type Log } from "./log.ts";
import { type CallsDeps, MessageCalls, NO_OPTIONS } from "./message-calls.ts";
import { once } from "./once.ts";
import { MessageSchedules, type ScheduleOptions } from "./schedules.ts";
import { MessageStores } from "./stores.ts";

/** What a delivery's context needs of whoever runs it. */
export type ContextDeps = CallsDeps;

const NO_PAIRS: HeaderPairs = [];

export class DeliveryContext {
  protected readonly arrival: Arrival;
  protected readonly services: ContextDeps;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;
  private received: ReceivedHeaders | undefined;
  private ownLog: Log | undefined;
  private parts: readonly string[] | undefined;
  private ownCalls: MessageCalls | undefined;
  private laterEnd: Deferral | undefined;

  constructor(arrival: Arrival, services: ContextDeps) {
    this.arrival = arrival;
    this.services = services;
  }

  get subject(): string {
    return this.arrival.subject;
  }

  get wildcards(): readonly string[] {
    const { subject } = this.arrival;
    this.parts ??= wildcardsOf(claimOn(this.services.start.subjects, subject) ?? subject, subject);
    return this.parts;
  }

  get headers(): ReceivedHeaders {
    const bytes = this.arrival.headerBytes;
    this.received ??= new ReceivedHeaders(bytes === undefined ? NO_PAIRS : decodeHeaders(bytes));
    return this.received;
  }

  get id(): string {
    return deliveryIdOf(this.services.start.idPrefixes, this.arrival);
  }

  get scheduledFor(): Date | undefined {
    if (this.arrival.headerBytes === undefined) return undefined;
    const atMs = Date.parse(this.headers.get(SCHEDULED_FOR_HEADER) ?? "");
    return Number.isNaN(atMs) ? undefined : new Date(atMs);
  }

  get replayed(): boolean {
    return this.arrival.headerBytes !== undefined && this.headers.has(REPLAYED_HEADER);
  }

  get attempt(): number {
    return this.arrival.attempt;
  }

  get attempts(): number {
    return this.services.start.attempts;
  }

  /** It has no content that could be decoded: what it tells of is gone (change-context.ts). */
  get isRemoval(): boolean {
    return false;
  }

  get shadow(): boolean {
    return this.services.start.shadow === true;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  get log(): Log {
    this.ownLog ??= createLog(this.services.link, () => ({ id: this.id, attempt: this.attempt, ...this.trace() }));
    return this.ownLog;
  }

  // Getters, so that `const { publish } = ctx` works and costs nothing when nobody publishes.
  get publish() {
    return (target: Target, data: unknown, options: PublishOptions = NO_OPTIONS) =>
      this.sent.publish(target, data, options);
  }

  get request() {
    return (target: Target, data?: unknown, options: RequestOptions = NO_OPTIONS) =>
      this.sent.request(target, data, options);
  }

  /** What `effect` needs besides (sdk/effect.ts). */
  get [EFFECTS](): EffectsPort {
    return this.sent.effects;
  }

  get kv() {
    return (bucket: string, options?: BucketOptions) => this.stores().kv(bucket, options);
  }

  get objects() {
    return (bucket: string, options?: BucketOptions) => this.stores().objects(bucket, options);
  }

  get once() {
    return (name: string, part: (given: OnceGiven) => unknown) =>
      once(this, name, part, {
        ...{ ...this.services, id: this.id, stores: this.stores() },
        reserve: (count) => this.sent.reserve(count),
      });
  }

  get schedule() {
    return (key: string, target: Target, data: unknown, when: string | ScheduleOptions) =>
      new MessageSchedules(this.services, this.id).put(key, target, data, when);
  }

  get unschedule() {
    return (key: string) => new MessageSchedules(this.services, this.id).delete(key);
  }

  get defer() {
    return (options: DeferOptions) => {
      const { handler, start } = this.services;
      this.laterEnd = deferral(options, { handler, cannotDefer: start.cannotDefer, before: this.laterEnd });
      return this.laterEnd.handle;
    };
  }

  /** Undefined: it ends with its function. */
  get deferral(): Deferral | undefined {
    return this.laterEnd;
  }

  get isAborted(): boolean {
    return this.abortReason !== undefined;
  }

  /** Of a message whose content is kept elsewhere. */
  get elsewhere(): string | undefined {
    return this.arrival.headerBytes && largeHeaderIn(this.arrival.headerBytes);
  }

  fetchElsewhere(header: string): Promise<FetchedContent> {
    return fetchLargeContent(header, this.stores());
  }

  get hasUnconfirmed(): boolean {
    return this.ownCalls?.hasUnconfirmed === true;
  }

  private get sent(): MessageCalls {
    this.ownCalls ??= new MessageCalls(this, this.arrival, this.services);
    return this.ownCalls;
  }

  private stores(): MessageStores {
    return new MessageStores(this.services, this.id);
  }

  /** Looked for only when something is logged. */
  private trace(): { traceId?: string } {
    if (this.arrival.headerBytes === undefined) return {};
    const traceId = traceIdOf(this.headers.get("traceparent"));
    return traceId === undefined ? {} : { traceId };
  }

  /** Resolves when no publish is on its way any more. Rejects as soon as one has failed that nobody awaited. */
  async allConfirmed(): Promise<void> {
    await this.ownCalls?.allConfirmed();
  }

  abort(reason: Error): void {
    this.abortReason = reason;
    this.controller?.abort(reason);
  }
}
