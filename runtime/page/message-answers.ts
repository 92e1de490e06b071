// What the page's server tells of messages and their ways. Types only: both sides read this file.

import type { ErrorNote, LogEntry, PayloadView, Tone } from "./answers.ts";

/** A delivery that has ended. */
export interface MessageRow {
  /** `<replica>-<number>`: its address. */
  readonly key: string;
  readonly atMs: number;
  readonly handler: string;
  readonly subject: string;
  readonly id: string;
  /** What its message is called: its way is found by it. */
  readonly origin: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly tone: Tone;
  readonly tookMs: number;
  readonly bytes: number;
  /** What went wrong, in a line. */
  readonly problem?: string | undefined;
  /** What was done with it, in words. */
  readonly settled?: string | undefined;
}

/** How much is seen of what there is. */
export interface WatchState {
  /** Since when this server watches without a gap. */
  readonly sinceMs: number;
  /** Some replica has told something since then. */
  readonly answered: boolean;
  /** Deliveries of the last seconds that were not recorded, as it goes too fast. */
  readonly missed: number;
  /** In how many milliseconds they were missed. */
  readonly missedInMs: number;
}

/** The newest last. After the first only what is new. */
export interface MessagesPart extends WatchState {
  readonly whole: boolean;
  readonly rows: readonly MessageRow[];
  /** So many that fit are known in all; of the first part only. */
  readonly known: number;
}

/** A message that a handler runs now. */
export interface RunningRow {
  readonly handler: string;
  readonly id: string;
  readonly origin: string;
  readonly subject: string;
  readonly attempt: number;
  readonly bytes: number;
  /** By this server's clock. */
  readonly sinceMs: number;
  readonly replica: string;
}

/** Those that have run for a moment, longest first. */
export interface RunningPart {
  readonly rows: readonly RunningRow[];
  readonly unsaid: number;
}

export interface MadeCall {
  readonly origin: string;
  readonly atMs: number;
  readonly verb: "publish" | "request";
  readonly subject: string;
  readonly bytes: number;
  readonly leavesAtMs?: number | undefined;
  readonly problem?: string | undefined;
}

export interface MessageDetail extends MessageRow {
  readonly replica: string;
  readonly version: string;
  readonly waitedMs: number;
  /** When it comes again. */
  readonly retryAtMs?: number | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly payload: PayloadView;
  readonly reply?: PayloadView | undefined;
  readonly error?: ErrorNote | undefined;
  readonly stack?: string | undefined;
  readonly lines: readonly LogEntry[];
  readonly calls: readonly MadeCall[];
  /** All that are known of it, in their order. */
  readonly attempts: readonly MessageRow[];
}

/** Who was seen to publish where. */
export interface SeenPublishes {
  readonly publishes: readonly { readonly handler: string; readonly subjects: readonly string[] }[];
}

/** A message on its way, with all that came of it. */
export interface WayMessage {
  readonly origin: string;
  readonly subject: string;
  /** Who published it; undefined: somebody outside, or it was not seen. */
  readonly by?: string | undefined;
  readonly verb?: "publish" | "request" | undefined;
  /** When it was published; undefined where that was not seen. */
  readonly atMs?: number | undefined;
  readonly leavesAtMs?: number | undefined;
  /** Why it did not leave. */
  readonly problem?: string | undefined;
  readonly takers: readonly WayTaker[];
  /** Handlers of the subject of which nothing is seen. */
  readonly absent: readonly Absent[];
}

export interface WayTaker {
  readonly handler: string;
  readonly state: "done" | "retry" | "given-up" | "given-back";
  readonly nextAtMs?: number | undefined;
  readonly attempts: readonly WayAttempt[];
  readonly made: readonly WayMessage[];
}

export interface WayAttempt extends MessageRow {
  readonly waitedMs: number;
}

export interface Absent {
  readonly handler: string;
  readonly tone: Tone;
  /** `disabled by ana`, `has not taken it yet`. */
  readonly why: string;
}

export interface WayView extends WatchState {
  readonly root: WayMessage;
  /** The message that was asked for. */
  readonly asked: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Something is still to come. */
  readonly open: boolean;
  /** There is more than can be shown. */
  readonly cut: boolean;
}
