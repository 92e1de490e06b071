// Looks at a consumer that hands out nothing although there is room, and says what holds it; and at one whose messages take
// long, as it may be set up otherwise meanwhile.
//
// W1  Only then: a handler that gets messages and ends them soon costs no look. With very many consumers each is looked at less often.
// W2  A hold ends with the first message, or with the first look that does not find it any more.
// W3  A consumer that is not there any more, or its stream, is told of at once: a server may drop our requests without a word.

import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import { type Timer, within } from "../clock.ts";
import type { Hold, HoldBoard } from "../message/hold.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import type { DurableSpec } from "../streams/durable-consumer.ts";
import { type ConsumerReading, STANDSTILLS, standstillOf } from "./standstill.ts";
import type { StreamDeps } from "./stream-deps.ts";

export interface ConsumerWatchOptions {
  readonly deps: StreamDeps;
  /** Of the JetStream that has the stream. */
  readonly jsm: JetStreamManager;
  readonly spec: DurableSpec;
  readonly holds: HoldBoard;
  /** There is room, and it was asked for messages. */
  readonly isWaiting: () => boolean;
  /** What has been in hand for longest. */
  readonly oldestInHand: () => object | undefined;
  readonly nextRetryAtMs: (nowMs: number) => number | undefined;
  /** Every answer, for whoever goes by the consumer's configuration. */
  readonly onInfo: (info: ConsumerInfo) => void;
  /** W3. */
  readonly onGone: (why: string) => void;
}

/** A standstill is told within nine seconds. */
const LOOK_EVERY_MS = 2_000;
const ANSWER_MS = 1_500;
/** So many looks without an answer are a hold. */
const UNANSWERED = 3;
/** How many are looked at within LOOK_EVERY_MS. */
const LOOKS_AT_ONCE = 40;
const NS_PER_MS = 1_000_000;

export class ConsumerWatch {
  private readonly options: ConsumerWatchOptions;
  private readonly timer: Timer;
  /** The first look of a standstill. */
  private first: ConsumerReading | undefined;
  /** In hand at the last tick, for longest. */
  private oldest: object | undefined;
  private ticks = 0;
  private unanswered = 0;
  private hasArrived = false;
  private isLooking = false;
  private isHeld = false;
  private closed = false;

  constructor(options: ConsumerWatchOptions) {
    this.options = options;
    const { deps } = options;
    deps.watches.add(this);
    this.timer = deps.clock.every(LOOK_EVERY_MS, () => void this.tick());
  }

  arrived(): void {
    this.hasArrived = true;
    if (this.isHeld) this.release();
  }

  close(): void {
    this.closed = true;
    this.timer.cancel();
    this.options.deps.watches.delete(this);
    this.release();
  }

  /** W1. */
  private async tick(): Promise<void> {
    const { deps } = this.options;
    const { oldest } = this;
    this.oldest = this.options.oldestInHand();
    const isLong = oldest !== undefined && oldest === this.oldest;
    const standsStill = this.standsStill();
    this.hasArrived = false;
    if (!standsStill) this.first = undefined;
    if (!standsStill && !isLong) return;
    if (this.isLooking || this.ticks++ % Math.ceil(deps.watches.size / LOOKS_AT_ONCE) !== 0) return;
    this.isLooking = true;
    await this.look();
    this.isLooking = false;
  }

  private standsStill(): boolean {
    return !this.hasArrived && this.options.isWaiting();
  }

  private async look(): Promise<void> {
    const { deps, jsm, spec, holds, onInfo } = this.options;
    const asked = jsm.consumers.info(spec.stream, spec.durable).catch((error: unknown) => ({ error }));
    const info = await within(deps.clock, ANSWER_MS, asked);
    if (this.closed) return;
    const standsStill = this.standsStill();
    if (info === "expired") return standsStill ? this.noAnswer("no answer") : undefined;
    if ("error" in info) {
      if (!standsStill) return;
      this.noAnswer(wordsOf(info.error));
      if (isApiError(info.error, ApiCode.consumerNotFound, ApiCode.streamNotFound))
        this.options.onGone(wordsOf(info.error));
      return;
    }
    onInfo(info);
    if (!standsStill) return;
    this.unanswered = 0;
    const now = this.readingOf(info);
    if (this.first?.delivered !== now.delivered || now.pending === 0) this.first = undefined;
    const hold = standstillOf(this.first, now);
    this.first ??= now;
    for (const reason of STANDSTILLS) if (reason !== hold?.reason) holds.end(reason);
    this.isHeld = hold !== undefined;
    if (hold !== undefined) holds.begin(hold);
  }

  private noAnswer(words: string): void {
    const { deps, spec, holds } = this.options;
    this.first = undefined;
    if (!deps.sender.isUp || ++this.unanswered < UNANSWERED) return;
    this.isHeld = true;
    holds.begin(noAnswerHold(spec, words));
  }

  private readingOf({ config, delivered, ...info }: ConsumerInfo): ConsumerReading {
    const { deps, spec, nextRetryAtMs } = this.options;
    const nowMs = deps.clock.nowMs();
    return {
      stream: spec.stream,
      durable: spec.durable,
      atMs: deps.clock.monotonicMs(),
      pausedUntilMs: info.paused === true ? nowMs + info.pause_remaining / NS_PER_MS : undefined,
      pending: info.num_pending,
      ackPending: info.num_ack_pending,
      maxAckPending: config.max_ack_pending ?? 0,
      oneAtATime: spec.oneAtATime === true,
      delivered: delivered.consumer_seq,
      nextRetryAtMs: nextRetryAtMs(nowMs),
    };
  }

  private release(): void {
    this.isHeld = false;
    this.unanswered = 0;
    this.first = undefined;
    for (const reason of STANDSTILLS) this.options.holds.end(reason);
  }
}

/** JetStream is not to be had, or not for this consumer. */
export function noAnswerHold({ stream, durable }: DurableSpec, words: string): Omit<Hold, "sinceMs"> {
  return {
    reason: "no-answer",
    text: `JetStream does not serve durable "${durable}" of stream "${stream}": ${words}`,
    remedy: "Look at the disk and the log of the NATS server. It is tried again until it answers.",
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
