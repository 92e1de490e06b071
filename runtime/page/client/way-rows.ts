// The way of a message as rows, one below the other, each with what is drawn of it on the axis of time. Pure.

import { spanText } from "../../terminal/time-text.ts";
import type { Tone } from "../answers.ts";
import type { Absent, WayMessage, WayTaker, WayView } from "../message-answers.ts";
import { msText } from "./words.ts";

export interface Bar {
  /** Where it begins and how long it is, of the whole axis. */
  readonly from: number;
  readonly length: number;
  readonly tone: Tone;
  /** Nothing runs: it waits for its turn, or for its next attempt. */
  readonly isWait: boolean;
}

export type WayRow =
  | { readonly kind: "message"; readonly depth: number; readonly message: WayMessage; readonly at: number | undefined }
  | {
      readonly kind: "taker";
      readonly depth: number;
      readonly origin: string;
      readonly taker: WayTaker;
      readonly bars: readonly Bar[];
    }
  | { readonly kind: "absent"; readonly depth: number; readonly origin: string; readonly absent: Absent };

export interface WayRows {
  readonly rows: readonly WayRow[];
  /** What the axis covers. */
  readonly fromMs: number;
  readonly untilMs: number;
}

export function wayRows({ root, fromMs, untilMs }: Pick<WayView, "root" | "fromMs" | "untilMs">): WayRows {
  const end = Math.max(untilMs, fromMs + 1, ...takersIn(root).map(({ nextAtMs = 0 }) => nextAtMs));
  const share = (atMs: number) => Math.min(1, Math.max(0, (atMs - fromMs) / (end - fromMs)));
  return { rows: rowsOf(root, 0, share), fromMs, untilMs: end };
}

export function takersIn({ takers }: WayMessage): WayTaker[] {
  return takers.flatMap((taker) => [taker, ...taker.made.flatMap(takersIn)]);
}

/** `Done after 31 ms.` */
export function waySentence(view: Pick<WayView, "root" | "fromMs" | "untilMs" | "cut">, nowMs: number): string {
  const all = takersIn(view.root);
  const absent = absentIn(view.root);
  const parts = [
    ...all.filter(({ state }) => state === "given-up").map(({ handler }) => `${handler} has given up`),
    ...all
      .filter(({ state }) => state === "retry")
      .map(({ handler, nextAtMs = 0 }) => againText(handler, nextAtMs, nowMs)),
    ...all.filter(({ state }) => state === "given-back").map(({ handler }) => `${handler} has given it back unrun`),
    ...absent.map(({ handler, why }) => `${handler} ${why}`),
    ...(view.cut ? ["it led to more than can be shown"] : []),
  ];
  const took = msText(view.untilMs - view.fromMs);
  if (parts.length > 0) return `So far ${took}: ${parts.join("; ")}.`;
  return all.length === 0 ? "Nobody has been seen to take it." : `Done after ${took}.`;
}

function againText(handler: string, nextAtMs: number, nowMs: number): string {
  return nextAtMs > nowMs ? `${handler} runs again in ${spanText(nextAtMs - nowMs)}` : `${handler} runs again now`;
}

function absentIn({ absent, takers }: WayMessage): Absent[] {
  return [...absent, ...takers.flatMap(({ made }) => made.flatMap(absentIn))];
}

function rowsOf(message: WayMessage, depth: number, share: (atMs: number) => number): WayRow[] {
  const at = message.atMs === undefined ? undefined : share(message.atMs);
  return [
    { kind: "message", depth, message, at },
    ...message.takers.flatMap((taker): WayRow[] => [
      { kind: "taker", depth: depth + 1, origin: message.origin, taker, bars: barsOf(taker, share) },
      ...taker.made.flatMap((made) => rowsOf(made, depth + 2, share)),
    ]),
    ...message.absent.map((absent): WayRow => ({ kind: "absent", depth: depth + 1, origin: message.origin, absent })),
  ];
}

function barsOf({ attempts, nextAtMs }: WayTaker, share: (atMs: number) => number): Bar[] {
  const bar = (fromMs: number, untilMs: number, tone: Tone, isWait: boolean): Bar => ({
    from: share(fromMs),
    length: share(untilMs) - share(fromMs),
    tone,
    isWait,
  });
  const runs = attempts.flatMap(({ atMs, tookMs, waitedMs, tone }) => {
    const startMs = atMs - tookMs;
    return [bar(startMs - waitedMs, startMs, "idle", true), bar(startMs, atMs, tone, false)];
  });
  const last = attempts.at(-1);
  return nextAtMs === undefined || last === undefined ? runs : [...runs, bar(last.atMs, nextAtMs, "coming", true)];
}
