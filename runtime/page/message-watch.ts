// What the replicas tell of messages, kept for all who look. They are followed only while somebody does, and a little longer:
// whoever goes from one view to the next misses nothing between.

import { type Timer, within } from "../clock.ts";
import { followMessages } from "../control/follow-messages.ts";
import { KeptSeen } from "../control/kept-seen.ts";
import type { MessagesReply, Seen, SeenCall, SeenRun } from "../control/seen.ts";
import type { Desk } from "./desk.ts";
import type { WatchState } from "./message-answers.ts";

/** With the replica that saw it; what was sent from here was seen by the page. */
export type Sighting<T extends Seen = Seen> = T & { readonly replica: string };

export type Run = Sighting<SeenRun>;
export type MadeByCall = Sighting<SeenCall>;
export type OnNews = (news: readonly Sighting[]) => void;

/** What the page itself has sent has no handler. */
export const SENT_FROM_HERE = "";
/** Of each handler; the bytes are of all together: the last minutes of a busy app, and little beside a browser. */
const KEPT_RUNS = 1_000;
const KEPT_BYTES = 32 * 1024 * 1024;
const LINGER_MS = 10_000;
/** Replicas answer within milliseconds. */
const READY_MS = 500;
const MISSED_WITHIN_MS = 10_000;

export class MessageWatch {
  private readonly desk: Desk;
  private kept = new KeptSeen<Sighting>(KEPT_RUNS, KEPT_BYTES);
  private readonly lookers = new Set<OnNews>();
  private readonly lastNumbers = new Map<string, number>();
  private missed: { readonly atMs: number; readonly count: number }[] = [];
  private following: { readonly stop: AbortController; readonly ready: Promise<void> } | undefined;
  private lingering: Timer | undefined;
  private sinceMs = 0;
  private answered = false;
  private sent = 0;

  constructor(desk: Desk) {
    this.desk = desk;
  }

  /** Told of what is new until the function that is returned is called. */
  look(onNews: OnNews): () => void {
    this.lookers.add(onNews);
    this.follow();
    return () => {
      this.lookers.delete(onNews);
      this.linger();
    };
  }

  /** Resolves when what is sent from now on is seen, as far as the replicas answer. */
  async ready(): Promise<void> {
    this.follow();
    if (this.following !== undefined) await within(this.desk.clock, READY_MS, this.following.ready);
    this.linger();
  }

  /** Something is sent from the page. */
  note({ origin, subject, verb, bytes }: Pick<SeenCall, "origin" | "subject" | "verb"> & { bytes: number }): void {
    const about = { handler: SENT_FROM_HERE, id: "", replica: "page", number: ++this.sent };
    this.take([{ kind: "call", ...about, atMs: this.desk.clock.nowMs(), origin, subject, verb, payload: { bytes } }]);
  }

  all(): Iterable<Sighting> {
    return this.kept.all();
  }

  of(handler: string): Iterable<Sighting> {
    return this.kept.of(handler);
  }

  get state(): WatchState {
    const fromMs = this.desk.clock.nowMs() - MISSED_WITHIN_MS;
    this.missed = this.missed.filter(({ atMs }) => atMs >= fromMs);
    const missed = this.missed.reduce((sum, { count }) => sum + count, 0);
    return { sinceMs: this.sinceMs, answered: this.answered, missed, missedInMs: MISSED_WITHIN_MS };
  }

  close(): void {
    this.lingering?.cancel();
    this.following?.stop.abort();
  }

  private follow(): void {
    this.lingering?.cancel();
    if (this.following !== undefined) return;
    const stop = new AbortController();
    const heard = Promise.withResolvers<void>();
    this.following = { stop, ready: heard.promise };
    this.sinceMs = this.desk.clock.nowMs();
    this.answered = false;
    void this.read(stop.signal, heard.resolve).finally(() => {
      if (this.following?.stop === stop) this.following = undefined;
    });
  }

  private linger(): void {
    if (this.lookers.size > 0 || this.following === undefined) return;
    this.lingering?.cancel();
    const { stop } = this.following;
    this.lingering = this.desk.clock.after(LINGER_MS, () => stop.abort());
  }

  private async read(signal: AbortSignal, onHeard: () => void): Promise<void> {
    const { connection, app, inboxPrefix, clock, showsPayloads: payloads } = this.desk;
    try {
      for await (const reply of followMessages({ connection, app, inboxPrefix, clock, payloads, signal })) {
        this.answered = true;
        this.heard(reply);
        onHeard();
      }
    } catch (error) {
      this.desk.tell(`messages cannot be followed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private heard({ replica: { instance }, seen = [], missed = {} }: MessagesReply): void {
    const count = Object.values(missed).reduce((sum, one) => sum + one, 0);
    if (count > 0) this.missed.push({ atMs: this.desk.clock.nowMs(), count });
    // What a replica has kept may have been told before.
    const last = this.lastNumbers.get(instance) ?? 0;
    const news = seen.filter(({ number }) => number > last).map((one) => ({ ...one, replica: instance }));
    this.lastNumbers.set(instance, Math.max(last, seen.at(-1)?.number ?? 0));
    this.take(news);
  }

  private take(news: readonly Sighting[]): void {
    for (const one of news) this.kept.add(one);
    if (news.length > 0) for (const onNews of this.lookers) onNews(news);
  }
}

export function keyOf({ replica, number }: Sighting): string {
  return `${replica}-${number}`;
}
