// A clock that stands still until told to advance.

import type { Clock, Timer } from "../../runtime/clock.ts";

interface Pending {
  atMs: number;
  readonly callback: () => void;
  readonly everyMs: number | undefined;
}

export interface FakeClock extends Clock {
  /** Move time on, calling back in order whatever falls due on the way. */
  advance(ms: number): void;
  /** Timers set and neither fired nor cancelled. */
  readonly pending: number;
}

export function fakeClock(): FakeClock {
  let nowMs = 1_000;
  const timers = new Set<Pending>();

  function add(pending: Pending): Timer {
    timers.add(pending);
    return { cancel: () => timers.delete(pending) };
  }

  function nextBefore(untilMs: number): Pending | undefined {
    return [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  }

  return {
    monotonicMs: () => nowMs,
    nowMs: () => nowMs,
    after: (delayMs, callback) => add({ atMs: nowMs + delayMs, callback, everyMs: undefined }),
    every: (everyMs, callback) => add({ atMs: nowMs + everyMs, callback, everyMs }),
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let due = nextBefore(untilMs); due !== undefined; due = nextBefore(untilMs)) {
        nowMs = Math.max(nowMs, due.atMs);
        if (due.everyMs === undefined) timers.delete(due);
        else due.atMs += due.everyMs;
        due.callback();
      }
      nowMs = untilMs;
    },
    get pending() {
      return timers.size;
    },
  };
}
