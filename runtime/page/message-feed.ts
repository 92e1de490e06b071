// What a tab with messages on screen is sent: those that fit its filter as they end, or the way of one message as it goes on.

import type { Clock, Timer } from "../clock.ts";
import type { MessagesPart, WayView } from "./message-answers.ts";
import type { MessageWatch, Run, Sighting } from "./message-watch.ts";
import { fits, isRun, type MessageFilter, messageRow } from "./read-messages.ts";
import { type Known, type Way, wayOf } from "./way.ts";

export interface Feed {
  readonly watch: MessageWatch;
  readonly clock: Clock;
  readonly gone: AbortSignal;
  send(json: string): Promise<unknown>;
}

/** As many rows as anybody looks at. */
export const SHOWN_ROWS = 200;
const EVERY_MS = 150;
/** Also when nothing happens: so it is seen that nothing does. */
const AT_LEAST_MS = 2_000;

/** Resolves when the tab is gone. */
export function feedMessages({ watch, clock, gone, send }: Feed, filter: MessageFilter): Promise<void> {
  const isMeant = fits(filter);
  let fresh: Run[] = [];
  let isFirst = true;
  const news = (found: readonly Sighting[]) => {
    // Whoever is slow sees the newest, and misses some between.
    fresh = [...fresh, ...found.filter(isRun).filter(isMeant)].slice(-SHOWN_ROWS);
    return fresh.length > 0;
  };
  const write = async () => {
    const all = isFirst ? [...watch.all()].filter(isRun).filter(isMeant).sort(byTime) : fresh;
    const rows = all.slice(-SHOWN_ROWS).map(messageRow);
    const part: MessagesPart = { ...watch.state, whole: isFirst, rows, known: all.length };
    isFirst = false;
    fresh = [];
    await send(JSON.stringify(part));
  };
  return new Pump({ watch, clock, gone }, write).run(news);
}

/** Resolves when the tab is gone. */
export function feedWay(
  { watch, clock, gone, send }: Feed,
  origin: string,
  handlers: () => readonly Known[],
): Promise<void> {
  let way: Way | undefined;
  let sent = "";
  const news = (found: readonly Sighting[]) => way === undefined || found.some((one) => way?.touches(one) === true);
  const write = async () => {
    way = wayOf(origin, watch.all(), handlers());
    const { state } = watch;
    const view: WayView | object = way === undefined ? { ...state, asked: origin } : { ...state, ...way.tree };
    const json = JSON.stringify(view);
    if (json === sent) return;
    sent = json;
    await send(json);
  };
  return new Pump({ watch, clock, gone }, write).run(news);
}

/** Writes at once, then after news and now and then; one at a time, and not too often. */
class Pump {
  private readonly feed: Omit<Feed, "send">;
  private readonly write: () => Promise<void>;
  private timer: Timer | undefined;
  private isDue = false;
  private isWriting = false;
  private wroteAtMs = Number.NEGATIVE_INFINITY;

  constructor(feed: Omit<Feed, "send">, write: () => Promise<void>) {
    this.feed = feed;
    this.write = write;
  }

  /** Resolves when the tab is gone. */
  run(isNews: (found: readonly Sighting[]) => boolean): Promise<void> {
    const { watch, gone } = this.feed;
    return new Promise((resolve) => {
      const unlook = watch.look((found) => {
        if (isNews(found)) this.due();
      });
      const end = () => {
        this.timer?.cancel();
        unlook();
        resolve();
      };
      if (gone.aborted) return end();
      gone.addEventListener("abort", end, { once: true });
      void this.go();
    });
  }

  private due(): void {
    if (this.isDue) return;
    this.isDue = true;
    if (!this.isWriting) this.goIn(Math.max(0, this.wroteAtMs + EVERY_MS - this.feed.clock.monotonicMs()));
  }

  private goIn(ms: number): void {
    this.timer?.cancel();
    this.timer = this.feed.clock.after(ms, () => void this.go());
  }

  private async go(): Promise<void> {
    this.isWriting = true;
    this.isDue = false;
    await this.write().catch(() => undefined); // The tab has gone.
    this.isWriting = false;
    this.wroteAtMs = this.feed.clock.monotonicMs();
    if (!this.feed.gone.aborted) this.goIn(this.isDue ? EVERY_MS : AT_LEAST_MS);
  }
}

function byTime(a: Run, b: Run): number {
  return a.atMs - b.atMs;
}
