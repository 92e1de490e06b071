// Keeps a replica in step with the intents in the bucket.
//
// I1  A replica that loses the bucket goes by the last intents it knew, and writes them into the one that comes after.
// I2  An intent with an end is over at its end on every replica, whoever says so in the bucket.
// I3  A watch can go deaf (a restarted server, a bucket made anew): the bucket's state is compared every CHECK_MS.

import type { Clock, Timer } from "../clock.ts";
import type { Disabled } from "../supervise/intent.ts";
import type { ReplicaInfo } from "./control-protocol.ts";
import { type Intent, isInForce, readIntent } from "./intent.ts";
import type { IntentMark, IntentStore, KeptIntent } from "./intent-store.ts";

export interface IntentWatchOptions {
  readonly open: () => Promise<IntentStore>;
  /** Who watches. */
  readonly replica: ReplicaInfo;
  readonly clock: Clock;
  /** The word on a handler, the same one possibly twice. `mark` is undefined when an intent's end has come. */
  readonly onIntent: (name: string, disabled: Disabled | undefined, mark: IntentMark | undefined) => void;
  /** The bucket does not answer (once), and does so again. */
  readonly onLost: (error: unknown) => void;
  readonly onBack: () => void;
}

const CHECK_MS = 5_000;
/** Timers hold 24 days; ends further away are looked at again. */
const LONGEST_WAIT_MS = 86_400_000;

export class IntentWatch {
  private readonly options: IntentWatchOptions;
  private readonly known = new Map<string, KeptIntent>();
  private readonly ends = new Map<string, Timer>();
  private store: IntentStore | undefined;
  private watching: { close(): void } | undefined;
  private checks: Timer | undefined;
  private seen = 0;
  private lost = false;
  private checking = false;
  private closed = false;

  constructor(options: IntentWatchOptions) {
    this.options = options;
  }

  /** Resolves when every intent there is has been told. Rejects with NATS_UNREACHABLE. */
  async start(): Promise<void> {
    const store = await this.options.open();
    this.store = store;
    for (const kept of await store.read()) this.tell(store, kept);
    await this.follow(store);
    this.checks = this.options.clock.every(CHECK_MS, () => void this.check());
  }

  /** Look at once whether the watch has kept up: after a reconnect. Never rejects. */
  async check(): Promise<void> {
    if (this.checking || this.closed) return;
    this.checking = true;
    try {
      await this.compare();
      if (this.lost) this.options.onBack();
      this.lost = false;
    } catch (error) {
      if (!this.lost && !this.closed) this.options.onLost(error);
      this.lost = true;
    } finally {
      this.checking = false;
    }
  }

  close(): void {
    this.closed = true;
    this.checks?.cancel();
    this.watching?.close();
    for (const end of this.ends.values()) end.cancel();
    this.ends.clear();
  }

  /** I3. */
  private async compare(): Promise<void> {
    const { store } = this;
    const state = await store?.state().catch(() => undefined);
    if (store !== undefined && state?.bucket === store.bucket) {
      if (state.lastRevision > this.seen) await this.follow(store);
      this.seen = Math.max(this.seen, state.lastRevision);
      return;
    }
    const next = await this.options.open();
    await this.restore(next);
    this.store = next;
    this.seen = 0;
    await this.follow(next);
  }

  /** I1. What has been said since in the new bucket stands. */
  private async restore(store: IntentStore): Promise<void> {
    const nowMs = this.options.clock.nowMs();
    for (const { name, text } of this.known.values()) {
      if (text !== undefined && isInForce(readIntent(text), nowMs)) await store.putAfter(name, text, 0);
    }
  }

  private async follow(store: IntentStore): Promise<void> {
    this.watching?.close();
    this.watching = await store.watch((kept) => {
      this.seen = Math.max(this.seen, kept.revision);
      if (!this.closed) this.tell(store, kept);
    }, this.options.replica);
    if (this.closed) this.watching.close();
  }

  private tell(store: IntentStore, kept: KeptIntent): void {
    const { name, text, revision } = kept;
    this.known.set(name, kept);
    const mark = { bucket: store.bucket, name, revision };
    const intent = text === undefined ? undefined : readIntent(text);
    this.ends.get(name)?.cancel();
    this.ends.delete(name);
    if (intent === undefined || !intent.disabled) return this.options.onIntent(name, undefined, mark);
    if (!isInForce(intent, this.options.clock.nowMs())) return this.end(store, kept, intent, mark);
    this.options.onIntent(name, disabledBy(intent), mark);
    if (intent.untilMs !== undefined) this.waitForEnd(store, kept, intent, intent.untilMs);
  }

  private waitForEnd(store: IntentStore, kept: KeptIntent, intent: Intent, untilMs: number): void {
    const { clock } = this.options;
    const leftMs = untilMs - clock.nowMs();
    const timer = clock.after(Math.min(Math.max(leftMs, 0), LONGEST_WAIT_MS), () => {
      if (clock.nowMs() < untilMs) return this.waitForEnd(store, kept, intent, untilMs);
      this.ends.delete(kept.name);
      this.end(store, kept, intent, undefined);
    });
    this.ends.set(kept.name, timer);
  }

  /** I2. */
  private end(store: IntentStore, { name, revision }: KeptIntent, intent: Intent, mark: IntentMark | undefined): void {
    this.options.onIntent(name, undefined, mark);
    const over = { disabled: false, by: intent.by, reason: "its time was over", sinceMs: intent.untilMs, now: false };
    void store.putAfter(name, JSON.stringify(over), revision);
  }
}

function disabledBy({ by, reason, sinceMs, untilMs, now }: Intent): Disabled {
  return { source: "operator", by, reason, sinceMs, untilMs, now };
}
