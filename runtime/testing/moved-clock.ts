// The NATS server's clock as the runtime is to see it in a test: that of this machine, on which the server runs, moved forward by the test.
//
// M1  It never stands still, and never goes back: a test moves it beside the time that passes.
// M2  What is stored before a move is older by it, what is stored after it is not: the server stamps its own time.
// M3  Who waits for a time that a move has reached goes on at once.

import type { Clock, Timer } from "../clock.ts";
import { ServerClock } from "../nats/server-clock.ts";

interface Move {
  /** By the machine's clock. */
  readonly madeAtMs: number;
  readonly byMs: number;
}

interface Wait {
  readonly atMs: number;
  readonly end: () => void;
  timer: Timer;
}

export class MovedClock extends ServerClock {
  private readonly machine: Clock;
  private readonly moves: Move[] = [];
  private movedMs = 0;
  /** By who waits: each has a signal of its own. Undefined: it has waited, and goes on now. */
  private readonly waits = new Map<AbortSignal, Wait | undefined>();

  constructor(machine: Clock) {
    super(machine);
    this.machine = machine;
  }

  /** The server has nothing to tell. */
  override observe(..._told: Parameters<ServerClock["observe"]>): void {}

  override nowMs(): number {
    return this.machine.nowMs() + this.movedMs;
  }

  override earliestMs(): number {
    return this.nowMs();
  }

  override latestMs(): number {
    return this.nowMs();
  }

  /** M2. */
  override ageMs(storedAtMs: number): number {
    const since = this.moves.filter(({ madeAtMs }) => madeAtMs > storedAtMs);
    return this.machine.nowMs() - storedAtMs + since.reduce((sum, { byMs }) => sum + byMs, 0);
  }

  /** M1, M3. */
  moveTo(atMs: number): void {
    const byMs = Math.max(0, atMs - this.nowMs());
    this.movedMs += byMs;
    this.moves.push({ madeAtMs: this.machine.nowMs(), byMs });
    for (const wait of this.waits.values()) if (wait !== undefined) this.lookAt(wait);
  }

  override until(atMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => {
      wait.timer.cancel();
      this.waits.set(signal, undefined);
      resolve();
    };
    if (!this.waits.has(signal)) signal.addEventListener("abort", () => this.forget(signal), { once: true });
    const wait: Wait = { atMs, end, timer: this.timerTo(atMs, end) };
    this.waits.set(signal, wait);
    return promise;
  }

  /** Who has gone is not at work any more either. */
  private forget(signal: AbortSignal): void {
    this.waits.get(signal)?.end();
    this.waits.delete(signal);
  }

  private lookAt(wait: Wait): void {
    wait.timer.cancel();
    if (wait.atMs <= this.nowMs()) wait.end();
    else wait.timer = this.timerTo(wait.atMs, wait.end);
  }

  private timerTo(atMs: number, end: () => void): Timer {
    return this.machine.after(Math.max(1, atMs - this.nowMs()), end);
  }

  /** How many have waited for a time, and how many of those go on now. */
  get waiters(): { readonly begun: number; readonly atWork: number } {
    const nowMs = this.nowMs();
    const atWork = [...this.waits.values()].filter((wait) => wait === undefined || wait.atMs <= nowMs);
    return { begun: this.waits.size, atWork: atWork.length };
  }

  /** For what is waited. */
  get awaitedMs(): readonly number[] {
    return [...this.waits.values()].flatMap((wait) => (wait === undefined ? [] : [wait.atMs]));
  }
}
