// The pauses of messages that have a key in common, of one handler that has been told to go slower with these, here or in another
// replica: the longest that was asked for holds.
//
// P1  While none is on, nothing is asked about any message.
// P2  What is not stored anywhere is kept here until its pause ends, as many as the queue takes.
// P3  More than MOST_KEYS at a time are not kept: whoever goes on is told the same.

import type { Clock, Timer } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import type { HoldBoard } from "../message/hold.ts";
import { type KeyOf, keyReader } from "../message/message-key.ts";
import type { SlowDowns, SlowDownWords } from "../message/slow-down.ts";
import type { MessageKey, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { messageKeyText } from "../metadata/message-key.ts";

export interface KeyPausesOptions {
  readonly handler: string;
  readonly slowDowns: SlowDowns | undefined;
  readonly holds: HoldBoard;
  readonly clock: Clock;
  readonly metadata: () => ResolvedMetadata;
  /** What waits already may be of the key. */
  readonly onBegin: () => void;
  /** Its pause has ended. */
  readonly again: (delivery: Delivery) => void;
}

/** Of the messages that have this value in common. */
interface KeyPause {
  readonly text: string;
  untilMs: number;
  timer: Timer;
  readonly kept: Delivery[];
}

interface Form {
  readonly keyOf: KeyOf;
  readonly paused: Map<string, KeyPause>;
}

const MOST_KEYS = 10_000;
const MOST_TOLD = 3;

export class KeyPauses {
  /** P1: how many are on. */
  count = 0;
  private readonly options: KeyPausesOptions;
  private readonly unwatch: (() => void) | undefined;
  /** By how the key is said. */
  private readonly forms = new Map<string, Form>();
  private keptCount = 0;
  private isClosed = false;

  constructor(options: KeyPausesOptions) {
    this.options = options;
    this.unwatch = options.slowDowns?.watch(options.handler, (words) => void this.begin(words));
  }

  /** How many wait here. */
  get kept(): number {
    return this.keptCount;
  }

  /** The handler says so of this message. False where nothing pauses. */
  ask(delivery: Delivery, { delayMs, why }: SlowDownWords, key: MessageKey): boolean {
    const { slowDowns, handler, metadata } = this.options;
    if (this.isClosed) return false;
    const words = { delayMs, why, only: { key, value: keyReader(key, metadata())(delivery) } };
    if (this.begin(words)) slowDowns?.tell(handler, words);
    return true;
  }

  /** For how many milliseconds it is not to begin; 0: it may. */
  leftMs(delivery: Delivery): number {
    const pause = this.pauseOf(delivery);
    return pause === undefined ? 0 : Math.max(1, Math.ceil(pause.untilMs - this.options.clock.monotonicMs()));
  }

  /** P2. False: there is no room, or no pause. */
  keep(delivery: Delivery): boolean {
    const pause = this.pauseOf(delivery);
    if (pause === undefined || this.keptCount >= this.options.metadata().maxQueued) return false;
    pause.kept.push(delivery);
    this.keptCount++;
    return true;
  }

  /** What is kept, to give it back. */
  takeAll(): Delivery[] {
    const all = this.pauses().flatMap(({ kept }) => kept.splice(0));
    this.keptCount = 0;
    return all;
  }

  /** All end now, and none begins any more. */
  close(): void {
    this.isClosed = true;
    this.unwatch?.();
    const all = this.pauses();
    this.forms.clear();
    this.count = 0;
    for (const pause of all) this.release(pause);
  }

  private pauseOf(delivery: Delivery): KeyPause | undefined {
    for (const { keyOf, paused } of this.forms.values()) {
      const pause = paused.get(keyOf(delivery));
      if (pause !== undefined) return pause;
    }
    return undefined;
  }

  private pauses(): KeyPause[] {
    return [...this.forms.values()].flatMap(({ paused }) => [...paused.values()]);
  }

  /** False when it pauses for as long already, or is said of all messages. */
  private begin({ delayMs, why, only }: SlowDownWords): boolean {
    if (only === undefined || this.isClosed) return false;
    const { clock, metadata, onBegin } = this.options;
    const said = JSON.stringify(only.key);
    const form = this.forms.get(said) ?? { keyOf: keyReader(only.key, metadata()), paused: new Map() };
    const before = form.paused.get(only.value);
    const nowMs = clock.monotonicMs();
    if (before === undefined ? this.count >= MOST_KEYS : nowMs + delayMs <= before.untilMs) return false;
    before?.timer.cancel();
    const until = new Date(clock.nowMs() + delayMs).toISOString().replace(/\.\d+Z$/, "Z");
    this.forms.set(said, form);
    form.paused.set(only.value, {
      text: `${messageKeyText(only.key)} ${JSON.stringify(only.value)} until ${until} (${why})`,
      untilMs: nowMs + delayMs,
      timer: clock.after(delayMs, () => this.end(said, only.value)),
      kept: before?.kept ?? [],
    });
    if (before === undefined) this.count++;
    this.tell();
    onBegin();
    return true;
  }

  private end(said: string, value: string): void {
    const form = this.forms.get(said)!;
    const pause = form.paused.get(value)!;
    form.paused.delete(value);
    if (form.paused.size === 0) this.forms.delete(said);
    this.count--;
    this.tell();
    this.release(pause);
  }

  private release({ timer, kept }: KeyPause): void {
    timer.cancel();
    this.keptCount -= kept.length;
    for (const delivery of kept.splice(0)) this.options.again(delivery);
  }

  private tell(): void {
    const { holds } = this.options;
    if (this.count === 0) return holds.end("keys-slowed-down");
    const texts = this.pauses().map(({ text }) => text);
    const more = texts.length > MOST_TOLD ? `, and of ${texts.length - MOST_TOLD} keys more` : "";
    holds.begin({
      reason: "keys-slowed-down",
      text: `messages of ${texts.slice(0, MOST_TOLD).join(", of ")}${more} wait: it was told to slow down with these`,
      remedy: "They are charged nothing, and others are run. It goes on by itself.",
    });
  }
}
