// What holds one handler's binding, and since when. Told in the log once at its beginning and once at its end; a hold
// that comes and goes is told once a minute.

import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import type { Hold, HoldBoard, HoldReason } from "../message/hold.ts";

const WINDOW_MS = 60_000;

interface Kept {
  readonly hold: Hold;
  readonly beganMs: number;
  readonly told: boolean;
}

export class Holds implements HoldBoard {
  private readonly handler: string;
  private readonly clock: Clock;
  private readonly emit: Emit;
  private readonly kept = new Map<HoldReason, Kept>();
  private readonly toldAtMs = new Map<HoldReason, number>();

  constructor(handler: string, clock: Clock, emit: Emit) {
    this.handler = handler;
    this.clock = clock;
    this.emit = emit;
  }

  /** Where the cause of a standstill is known, that there is one is no news. */
  get all(): readonly Hold[] {
    const all = [...this.kept.values()].map(({ hold }) => hold);
    return all.length > 1 ? all.filter(({ reason }) => reason !== "stalled") : all;
  }

  begin(begun: Omit<Hold, "sinceMs">): void {
    const { reason } = begun;
    const before = this.kept.get(reason);
    const hold: Hold = { ...begun, sinceMs: before?.hold.sinceMs ?? this.clock.nowMs() };
    if (before !== undefined) {
      this.kept.set(reason, { ...before, hold });
      return;
    }
    const beganMs = this.clock.monotonicMs();
    const told = beganMs - (this.toldAtMs.get(reason) ?? Number.NEGATIVE_INFINITY) >= WINDOW_MS;
    this.kept.set(reason, { hold, beganMs, told });
    if (!told) return;
    this.toldAtMs.set(reason, beganMs);
    this.emit({ type: "handler.held", handler: this.handler, ...hold });
  }

  end(reason: HoldReason): void {
    const ended = this.kept.get(reason);
    if (ended === undefined) return;
    this.kept.delete(reason);
    if (!ended.told) return;
    const afterMs = Math.round(this.clock.monotonicMs() - ended.beganMs);
    this.emit({ type: "handler.released", handler: this.handler, reason, afterMs });
  }

  /** Nothing is bound any more: nothing holds it. */
  clear(): void {
    for (const reason of [...this.kept.keys()]) this.end(reason);
  }
}
