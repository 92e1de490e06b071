// How each handler fared in the last hour, as far as the page looked: counts are asked for anyway, and their differences kept,
// so much for each ten seconds.
//
// H1  What was not looked at is not known: a gap, and no line through it.

import { timesOf } from "../control/summary.ts";
import type { HandlerHistory } from "./answers.ts";
import type { Counts } from "./rates.ts";

export interface Looked extends Counts {
  /** How many took how long: the counts of a DurationHistogram. */
  readonly durations: readonly number[];
  /** Messages of its stream that are not settled, or that wait in the replicas. */
  readonly waiting: number;
}

const STEP_MS = 10_000;
const STEPS = 360;
/** Between two looks that are farther apart something may have happened that is not known. */
const CONNECTED_MS = 5_000;

interface Point {
  /** Which ten seconds. */
  readonly step: number;
  handled: number;
  failed: number;
  waiting: number;
  readonly durations: number[];
  /** So much of them was looked at. */
  lookedMs: number;
}

interface Track {
  last: Looked & { readonly atMs: number };
  readonly points: Point[];
}

export class History {
  private readonly tracks = new Map<string, Track>();

  look(name: string, now: Looked, atMs: number): void {
    const track = this.tracks.get(name) ?? { last: { ...now, atMs }, points: [] };
    this.tracks.set(name, track);
    const { last, points } = track;
    const passedMs = atMs - last.atMs;
    track.last = { ...now, atMs };
    if (passedMs <= 0 || passedMs > CONNECTED_MS) return;
    const step = Math.floor(atMs / STEP_MS);
    let point = points.at(-1);
    if (point?.step !== step) {
      point = { step, handled: 0, failed: 0, waiting: 0, durations: [], lookedMs: 0 };
      points.push(point);
      if (points.length > STEPS) points.shift();
    }
    // Fewer than before: a replica has gone, and taken its counts with it.
    point.handled += Math.max(0, now.handled - last.handled);
    point.failed += Math.max(0, now.failed - last.failed);
    now.durations.forEach((count, at) => {
      point.durations[at] = (point.durations[at] ?? 0) + Math.max(0, count - (last.durations[at] ?? 0));
    });
    point.waiting = Math.max(point.waiting, now.waiting);
    point.lookedMs += passedMs;
  }

  /** Handlers that are gone are forgotten. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.tracks.keys()) if (!names.has(name)) this.tracks.delete(name);
  }

  of(name: string, nowMs: number): HandlerHistory {
    const lastStep = Math.floor(nowMs / STEP_MS);
    const points = (this.tracks.get(name)?.points ?? []).filter(({ step }) => step > lastStep - STEPS);
    return {
      untilMs: (lastStep + 1) * STEP_MS,
      stepMs: STEP_MS,
      steps: STEPS,
      points: points.map(({ step, handled, failed, waiting, durations, lookedMs }) => ({
        at: step - lastStep + STEPS - 1,
        rate: perSecond(handled + failed, lookedMs),
        failRate: perSecond(failed, lookedMs),
        waiting,
        ...(durations.some((count) => count > 0) ? timesOf(durations) : {}),
      })),
    };
  }
}

function perSecond(count: number, lookedMs: number): number {
  return Math.round((count / lookedMs) * 10_000) / 10;
}
