// Whether workers are in each other's way: several have work, and the supervisor, which serves them all, has to wait for a
// core. How long it waits the kernel tells (proc(5), /proc/self/schedstat); where it does not, nobody is in the way.

import { readFileSync } from "node:fs";
import type { Clock } from "../clock.ts";

/** Of the time between two looks. Waking up is part of it: some hundredths where cores are idle. */
const WAITING_SHARE = 0.1;
/** What is done about it takes the crowd away, and would bring it back if it was no longer done. */
const REMEMBERED_MS = 30_000;

export class CpuShortage {
  private readonly clock: Clock;
  private readonly waitedMs: () => number | undefined;
  private last: { readonly atMs: number; readonly waitedMs: number } | undefined;
  private untilMs = 0;

  /** `waitedMs`: for a core, since the supervisor started. */
  constructor(clock: Clock, waitedMs = waitedForCoreMs) {
    this.clock = clock;
    this.waitedMs = waitedMs;
  }

  /** `atWork`: workers that have had work since the last look. */
  look(atWork: number): void {
    const waitedMs = atWork > 1 ? this.waitedMs() : undefined;
    const look = waitedMs === undefined ? undefined : { atMs: this.clock.monotonicMs(), waitedMs };
    const { last } = this;
    this.last = look;
    if (look === undefined || last === undefined) return;
    const share = (look.waitedMs - last.waitedMs) / (look.atMs - last.atMs);
    if (share > WAITING_SHARE) this.untilMs = look.atMs + REMEMBERED_MS;
  }

  get isCrowded(): boolean {
    return this.clock.monotonicMs() < this.untilMs;
  }
}

function waitedForCoreMs(): number | undefined {
  try {
    const [, waitedNs] = readFileSync("/proc/self/schedstat", "utf8").split(" ");
    return waitedNs === undefined ? undefined : Number(waitedNs) / 1e6;
  } catch {
    return undefined;
  }
}
