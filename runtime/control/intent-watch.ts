// Keeps a replica in step with the intents in the bucket.
//
// I1  A replica that loses the bucket goes by the last intents it knew, and writes them into the one that comes after.
// I2  An intent with an end is over at its end on every replica, whoever says so in the bucket.
// I3  A watch can go deaf (a restarted server, a bucket made anew): the bucket's state is compared every CHECK_MS. What somebody
//     tells meanwhile of the same bucket holds at once.
// I4  What operators say while the bucket takes nothing (a cluster chooses its leader) holds at once, is written down as soon as
//     the bucket takes it, and gives way to what somebody else has said there since.
// I5  Whoever enables a handler lets go of it where it is held from the start; what was said before the start does not, nor does the
//     end of an intent.

import type { Clock, Timer } from "../clock.ts";
import type { FirstMessages, SlowStartWords } from "../message/slow-start.ts";
import type { Disabled } from "../supervise/intent.ts";
import { handlerOfRollback, type Rollback, readRollback } from "../versions/rollback.ts";
import type { ReplicaInfo } from "./control-protocol.ts";
import type { IntentMark } from "./intent.ts";
import { type Intent, isEnabling, isInForce, readIntent, slowStartOf } from "./intent.ts";
import type { IntentStore, KeptIntent } from "./intent-store.ts";

export interface IntentWatchOptions {
  readonly open: () => Promise<IntentStore>;
  /** Who watches. */
  readonly replica: ReplicaInfo;
  readonly clock: Clock;
  /** By the server's clock, so that every replica ends an intent at the same time. */
  readonly nowMs: () => number;
  /** The word on a handler, the same one possibly twice. `mark` is undefined when an intent's end has come. */
  readonly onIntent: (name: string, word: Word, mark: IntentMark | undefined) => Promise<void> | void;
  /** The word on a handler's version, as `onIntent`; undefined: it serves its own. */
  readonly onRollback: (name: string, rollback: Rollback | undefined, mark: IntentMark) => Promise<void> | void;
  /** I5. Told before `onIntent` is, which is waited for. */
  readonly onEnabled: (name: string) => void;
  /** The bucket does not answer (once), and does so again. */
  readonly onLost: (error: unknown) => void;
  readonly onBack: () => void;
  /** The bucket was removed, and another is there. `off`: of which handlers this replica has written something into it (I1). */
  readonly onReplaced: (off: readonly string[]) => void;
}

/** What an intent means now. With neither the handler is on, and as fast as it can. */
export interface Word {
  readonly disabled?: Disabled;
  readonly slowStart?: SlowStartWords | undefined;
}

interface KnownIntent extends KeptIntent {
  /** Revisions of another bucket count from 1 again. */
  readonly bucket: string;
}

/** I4. */
interface UnwrittenIntent {
  readonly text: string;
  /** What stood in the bucket then. */
  readonly after: number;
}

const CHECK_MS = 5_000;
/** Timers hold 24 days; ends further away are looked at again. */
const LONGEST_WAIT_MS = 86_400_000;

export class IntentWatch {
  private readonly options: IntentWatchOptions;
  private readonly known = new Map<string, KnownIntent>();
  private readonly ends = new Map<string, Timer>();
  private readonly unwritten = new Map<string, UnwrittenIntent>();
  private store: IntentStore | undefined;
  /** I5: where the bucket was when this replica started. */
  private started: { readonly bucket: string; readonly lastRevision: number; readonly atMs: number } | undefined;
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
    this.started = { ...(await store.state()), atMs: this.options.nowMs() };
    await this.readAll();
    await this.follow(store);
    this.checks = this.options.clock.every(CHECK_MS, () => void this.check());
  }

  /** Resolves when every intent that the bucket has now has been told. Rejects when it does not answer. */
  async readAll(): Promise<void> {
    const { store } = this;
    if (store === undefined) return;
    for (const kept of await store.read()) this.tell(store, kept);
  }

  /** Nothing has been heard of any handler. */
  get isEmpty(): boolean {
    return this.known.size === 0;
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

  /** I3: stored as `mark` says, and told by whoever has stored it. */
  hear({ bucket, name, revision }: IntentMark, text: string): void {
    const { store } = this;
    if (this.closed || store?.bucket !== bucket || this.revisionOf(name, store) >= revision) return;
    this.tell(store, { name, text, revision });
  }

  /** I4. Resolves when it is in force; rejects where nothing has been read yet. */
  async take(name: string, text: string): Promise<void> {
    const { store } = this;
    if (store === undefined || this.closed) throw new Error("this replica does not follow the intents");
    const after = this.revisionOf(name, store);
    this.unwritten.set(name, { text, after });
    const inForce = this.act(store, { name, text, revision: after }, true);
    // What cannot be written within its time is written at one of the checks.
    void this.writeDown(store).catch(() => undefined);
    await inForce;
  }

  /** Of a handler's first messages, as the bucket counts them. Rejects while it does not. */
  async letThrough(name: string, first: FirstMessages, wanted: number): Promise<number> {
    const { store } = this;
    if (store === undefined || this.closed || this.unwritten.has(name))
      throw new Error(`the count of what is let through to "${name}" cannot be written now`);
    return store.letThrough(name, first, wanted);
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
      await this.writeDown(store);
      return;
    }
    const next = await this.options.open();
    // The same one, when it only was away: what it has not taken yet is written at the end.
    if (next.bucket !== store?.bucket) {
      this.options.onReplaced(await this.restore(next));
      this.unwritten.clear();
    }
    this.store = next;
    this.seen = 0;
    await this.follow(next);
    await this.writeDown(next);
  }

  /** I1. What has been said since in the new bucket stands. Resolves with what was put there. */
  private async restore(store: IntentStore): Promise<string[]> {
    const nowMs = this.options.nowMs();
    const off: string[] = [];
    for (const { name, text } of this.known.values()) {
      if (text === undefined) continue;
      const intent = readIntent(text);
      const isOff = isInForce(intent, nowMs) || readRollback(text) !== undefined;
      if (!isOff && slowStartOf(intent) === undefined) continue;
      if ((await store.putAfter(name, text, 0)) && isOff) off.push(handlerOfRollback(name) ?? name);
    }
    return off;
  }

  /** I4. Whoever was first has said the same, or something newer that the watch tells. */
  private async writeDown(store: IntentStore): Promise<void> {
    for (const [name, unwritten] of [...this.unwritten]) {
      await store.putAfter(name, unwritten.text, unwritten.after);
      if (this.unwritten.get(name) === unwritten) this.unwritten.delete(name);
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
    const { name, revision } = kept;
    if (revision < this.revisionOf(name, store)) return; // Something newer was heard.
    if (revision <= (this.unwritten.get(name)?.after ?? -1)) return; // I4
    this.unwritten.delete(name);
    void this.act(store, kept);
  }

  private act(store: IntentStore, kept: KeptIntent, isNew = this.isNew(store, kept)): Promise<void> | void {
    const { name, text, revision } = kept;
    this.known.set(name, { ...kept, bucket: store.bucket });
    const mark = { bucket: store.bucket, name, revision };
    const rolledBack = handlerOfRollback(name);
    if (rolledBack !== undefined) return this.options.onRollback(rolledBack, readRollback(text), mark);
    const intent = text === undefined ? undefined : readIntent(text);
    this.ends.get(name)?.cancel();
    this.ends.delete(name);
    if (intent === undefined) return this.options.onIntent(name, {}, mark);
    if (isNew && isEnabling(intent, this.started?.atMs ?? 0)) this.options.onEnabled(name);
    if (!intent.disabled) return this.options.onIntent(name, { slowStart: slowStartOf(intent) }, mark);
    if (!isInForce(intent, this.options.nowMs())) return this.end(store, kept, intent, mark);
    if (intent.untilMs !== undefined) this.waitForEnd(store, kept, intent, intent.untilMs);
    return this.options.onIntent(name, { disabled: disabledBy(intent) }, mark);
  }

  private isNew({ bucket }: IntentStore, { revision }: KeptIntent): boolean {
    const { started } = this;
    return started !== undefined && (started.bucket !== bucket || revision > started.lastRevision);
  }

  private revisionOf(name: string, { bucket }: IntentStore): number {
    const known = this.known.get(name);
    return known?.bucket === bucket ? known.revision : 0;
  }

  private waitForEnd(store: IntentStore, kept: KeptIntent, intent: Intent, untilMs: number): void {
    const { clock, nowMs } = this.options;
    const leftMs = untilMs - nowMs();
    const timer = clock.after(Math.min(Math.max(leftMs, 0), LONGEST_WAIT_MS), () => {
      if (nowMs() < untilMs) return this.waitForEnd(store, kept, intent, untilMs);
      this.ends.delete(kept.name);
      this.end(store, kept, intent, undefined);
    });
    this.ends.set(kept.name, timer);
  }

  /** I2. */
  private end(store: IntentStore, { name, revision }: KeptIntent, intent: Intent, mark: IntentMark | undefined): void {
    this.options.onIntent(name, {}, mark);
    const over = {
      disabled: false,
      by: intent.by,
      reason: "its time was over",
      sinceMs: intent.untilMs,
      now: false,
      over: true,
    };
    // Every replica says so; unsaid, its time is over all the same.
    store.putAfter(name, JSON.stringify(over), revision).catch(() => undefined);
  }
}

function disabledBy({ by, reason, sinceMs, untilMs, now }: Intent): Disabled {
  return { source: "operator", by, reason, sinceMs, untilMs, now };
}
