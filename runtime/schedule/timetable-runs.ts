// Has a replica come to the planned times of the schedules that handlers have made: a ticker for each, as for those of metadata.
//
// T1  What is in the stream is right, and looked at before each message: whoever has not heard that a schedule was replaced or
//     taken away finds that out when it comes to its next time, and sends nothing.
// T2  A schedule that is no more as its ticker began with ends that ticker, and is looked at anew.

import { delay } from "../clock.ts";
import type { Schedule } from "../metadata/handler-metadata.ts";
import { Ticker, type TickerOptions } from "./ticker.ts";
import { definitionOf, keyOf, scheduleOf, type TimetableEntry } from "./timetable-entry.ts";
import type { ScheduledContent, StoredEntry, TimetableStore } from "./timetable-store.ts";
import { Turns } from "./turns.ts";

export interface TimetableRunsOptions extends Pick<TickerOptions, "clock" | "reachedMs" | "until"> {
  readonly store: Pick<TimetableStore, "read" | "write">;
  /** Whether a stream keeps what is published to the subject. */
  readonly isStored: (target: string) => Promise<boolean>;
  /** Rejects when it cannot be known to have been published. */
  readonly send: (entry: TimetableEntry, content: ScheduledContent, plannedMs: number) => Promise<void>;
  readonly onMet: (entry: TimetableEntry, plannedMs: number) => void;
  readonly onPassedOver: (entry: TimetableEntry, count: number) => void;
  readonly onTrouble: (key: string, error: unknown) => void;
}

interface Running {
  readonly definition: string;
  readonly ticker: Ticker;
}

const AGAIN_MS = 1_000;
/** Asked of the server by one replica, however many are due. */
const AT_ONCE = 64;

export class TimetableRuns {
  private readonly options: TimetableRunsOptions;
  private readonly running = new Map<string, Running>();
  private readonly looks = new Map<string, Promise<void>>();
  private readonly turns = new Turns(AT_ONCE);
  /** One that is not taken holds up no reading. */
  private readonly sending = new Turns(AT_ONCE);
  private readonly closing = new AbortController();

  constructor(options: TimetableRunsOptions) {
    this.options = options;
  }

  /** Tokens of those that run. */
  get tokens(): readonly string[] {
    return [...this.running.keys()];
  }

  /** Has what is in the stream under that token now run, or nothing where there is nothing. One look after another. Never rejects. */
  look(token: string): Promise<void> {
    const before = this.looks.get(token) ?? Promise.resolve();
    const looked: Promise<void> = before
      .then(() => this.lookNow(token))
      .finally(() => {
        if (this.looks.get(token) === looked) this.looks.delete(token);
      });
    this.looks.set(token, looked);
    return looked;
  }

  /** Resolves when nothing is sent any more. Never rejects. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.looks.values());
    await Promise.all([...this.running.values()].map(({ ticker }) => ticker.stop()));
  }

  /** As often as it takes. */
  private async lookNow(token: string): Promise<void> {
    const { clock, store, onTrouble } = this.options;
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        const { entry } = await this.turns.take(() => store.read(token));
        return await this.follow(token, entry);
      } catch (error) {
        onTrouble(keyOf(token), error);
        await delay(clock, AGAIN_MS, signal);
      }
    }
  }

  private async follow(token: string, entry: TimetableEntry | undefined): Promise<void> {
    const known = this.running.get(token);
    if (entry !== undefined && known?.definition === definitionOf(entry)) return;
    this.running.delete(token);
    await known?.ticker.stop();
    if (entry !== undefined && !this.closing.signal.aborted) this.begin(token, entry);
  }

  private begin(token: string, entry: TimetableEntry): void {
    const definition = definitionOf(entry);
    const ticker = this.tickerOf(token, entry, definition);
    this.running.set(token, { definition, ticker });
    ticker.start();
  }

  private tickerOf(token: string, begun: TimetableEntry, definition: string): Ticker {
    const { store, clock, reachedMs, until, isStored, send, onMet, onPassedOver, onTrouble } = this.options;
    const schedule: Schedule = scheduleOf(begun);
    // What was read last: a ticker does one thing after another.
    let last: StoredEntry | undefined;
    /** What it has marked is out before others begin: many may be due at one instant. */
    let isBegun = false;
    const ticker: Ticker = new Ticker({
      schedule,
      marks: {
        read: async () => {
          last = await this.turns.take(() => store.read(token), isBegun ? "begun" : "new");
          const { entry } = last;
          if (entry !== undefined && definitionOf(entry) === definition)
            return { progress: entry.progress, isNewest: true };
          this.ended(token, ticker);
          return undefined;
        },
        write: async (progress) => {
          const { entry, content, revision } = last!;
          isBegun = progress.sendingMs !== undefined;
          return this.turns.take(() => store.write(token, { ...entry!, progress }, content, revision), "begun");
        },
      },
      isStored: () => isStored(begun.target),
      send: async (plannedMs) => {
        await this.sending.take(() => send(last!.entry!, last!.content, plannedMs));
        return undefined;
      },
      hasEnded: async () => true,
      reachedMs,
      until,
      clock,
      onMet: (plannedMs) => onMet(begun, plannedMs),
      onPassedOver: (count) => onPassedOver(begun, count),
      onTrouble: (error) => onTrouble(begun.key, error),
    });
    return ticker;
  }

  /** T2. What is looked at then may be as it was. */
  private ended(token: string, ticker: Ticker): void {
    if (this.running.get(token)?.ticker === ticker) this.running.delete(token);
    void this.look(token);
  }
}
