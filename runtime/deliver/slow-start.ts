// How slowly one binding begins, as an operator wants it: its dispatcher keeps to a rate, or has its messages counted.

import type { Clock } from "../clock.ts";
import type { SlowStarts, SlowStartWords } from "../message/slow-start.ts";
import type { Rate, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { CountedTurns } from "./counted-turns.ts";
import type { DispatcherLimits } from "./dispatcher-limits.ts";

export interface SlowStartOptions {
  readonly handler: string;
  readonly slowStarts: SlowStarts | undefined;
  readonly clock: Clock;
  /** How many messages wait. */
  readonly waiting: () => number;
  /** Of the version that serves. */
  readonly metadata: () => ResolvedMetadata;
  /** `limits` gives others now. */
  readonly onChange: () => void;
  /** One that waits may begin. */
  readonly onTurn: () => void;
  /** No more begin: what waits is to be given back. */
  readonly onUsedUp: (why: string) => void;
  readonly tell: (warning: string) => void;
}

export class SlowStart {
  private readonly options: SlowStartOptions;
  private words: SlowStartWords | undefined;
  private turns: CountedTurns | undefined;
  private unwatch: (() => void) | undefined;

  constructor(options: SlowStartOptions) {
    this.options = options;
  }

  follow(): void {
    const { slowStarts, handler } = this.options;
    this.unwatch = slowStarts?.watch(handler, (words) => this.heard(slowStarts, words));
  }

  /** What has come keeps to what was heard last. */
  close(): void {
    this.unwatch?.();
  }

  limits(limits: DispatcherLimits, metadata: ResolvedMetadata): DispatcherLimits {
    const { words, turns } = this;
    if (words === undefined) return limits;
    const rate = keepsRate(metadata) ? slower(limits.rate, words.rate) : limits.rate;
    // What waits in a worker has begun.
    return { ...limits, rate, turns, prefetch: limits.prefetch && rate === undefined && turns === undefined };
  }

  private heard(slowStarts: SlowStarts, words: SlowStartWords | undefined): void {
    if (words === undefined && this.words === undefined) return;
    if (words?.rate !== undefined && words.sinceMs !== this.words?.sinceMs) this.tellUnlessKept();
    this.words = words;
    this.turns = this.turnsOf(slowStarts, words);
    this.options.onChange();
  }

  private tellUnlessKept(): void {
    const { handler, metadata, tell } = this.options;
    const why = metadata().kind === "request" ? "it answers requests" : "it takes batches";
    if (!keepsRate(metadata())) tell(`handler "${handler}" begins as fast as it can: ${why}, which keep no rate`);
  }

  private turnsOf(slowStarts: SlowStarts, words: SlowStartWords | undefined): CountedTurns | undefined {
    const { handler, clock, waiting, onTurn, onUsedUp } = this.options;
    const first = words?.first;
    if (first === undefined) return undefined;
    if (this.turns?.isOf(first) === true) {
      this.turns.heard(first.left);
      return this.turns;
    }
    return new CountedTurns({
      ...{ first, clock, waiting, onTurn },
      letThrough: (wanted) => slowStarts.letThrough(handler, first, wanted),
      onUsedUp: () => onUsedUp(`the first ${first.count} messages were let through`),
    });
  }
}

/** Requests would wait for nobody, and a batch is not one message: their metadata may not have a rate either. */
function keepsRate({ kind, batch }: ResolvedMetadata): boolean {
  return kind !== "request" && batch === undefined;
}

function slower(a: Rate | undefined, b: Rate | undefined): Rate | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.count / a.everyMs <= b.count / b.everyMs ? a : b;
}
