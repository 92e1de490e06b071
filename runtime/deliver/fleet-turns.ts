// The turns of a rate that holds over all replicas, as far as they are reserved for this one.
//
// F1  A message begins with a turn that was reserved for it before, and not before its time: over all replicas never more begin
//     than the rate allows. A turn that nobody has used some time after its own (a tenth of what lies between two, within LATE_MS) is
//     lost: a busy process goes slower, and no burst follows. Reserving one takes time too, which of one an hour must not cost an hour.
// F2  Turns are reserved in lots, so that not every message costs a round trip: after one that was used up twice as many, up to what begins in
//     LOT_MS; half of it where turns were lost, which other replicas could have used.
// F3  While they cannot be reserved, what is reserved begins, and the rest waits: it is tried again every second.

import type { Clock, Timer } from "../clock.ts";
import type { Rate } from "../metadata/handler-metadata.ts";

export interface FleetTurnsOptions {
  readonly rate: Rate;
  /** As `FleetRates.reserve` does. */
  readonly reserve: (turns: number) => Promise<number>;
  readonly clock: Clock;
  /** How many wait for their turn here. */
  readonly waiting: () => number;
  /** The next may begin. */
  readonly onTurn: () => void;
  /** They were reserved, or could not be. */
  readonly onReserved: (error?: unknown) => void;
}

/** `left` turns from `nextMs` on, monotonic. */
interface Lot {
  nextMs: number;
  left: number;
}

const LOT_MS = 200;
const LATE_MS = { least: 50, most: 5_000 };
const AGAIN_MS = 1_000;

export class FleetTurns {
  /** Most turns in a lot. */
  readonly most: number;
  private readonly options: FleetTurnsOptions;
  private readonly everyMs: number;
  /** F1. */
  private readonly lateMs: number;
  private readonly lots: Lot[] = [];
  /** F2: of the next lot. */
  private size = 1;
  /** Somebody could begin now, but for a turn. */
  private isWanted = false;
  private isAsking = false;
  private nextTurn: Timer | undefined;
  private nextTry: Timer | undefined;

  constructor(options: FleetTurnsOptions) {
    const { count, everyMs } = options.rate;
    this.options = options;
    this.everyMs = everyMs / count;
    this.lateMs = Math.min(Math.max(this.everyMs / 10, LATE_MS.least), LATE_MS.most);
    this.most = Math.max(1, Math.floor(LOT_MS / this.everyMs));
  }

  /** Nothing is reserved, or about to be. */
  get isIdle(): boolean {
    return this.lots.length === 0 && !this.isAsking && this.nextTry === undefined;
  }

  /** One wants to begin: false when it has to wait for its turn, which is seen to. */
  mayBegin(nowMs: number): boolean {
    this.dropLate(nowMs);
    const [lot] = this.lots;
    if (lot !== undefined && lot.nextMs <= nowMs) return true;
    if (!this.isWanted) queueMicrotask(() => this.look()); // It may not have begun to wait yet.
    this.isWanted = true;
    return false;
  }

  /** One begins: `mayBegin` must have said so. */
  take(): void {
    this.isWanted = false;
    const lot = this.lots[0]!;
    this.use(lot, 1);
    if (lot.left === 0) this.size = Math.min(this.most, this.size * 2);
  }

  /** Nothing waits any more. */
  stop(): void {
    this.isWanted = false;
    this.nextTurn?.cancel();
    this.nextTry?.cancel();
    this.nextTurn = undefined;
    this.nextTry = undefined;
  }

  private use(lot: Lot, turns: number): void {
    lot.nextMs += turns * this.everyMs;
    lot.left -= turns;
    if (lot.left === 0) this.lots.shift();
  }

  /** F1, F2. */
  private dropLate(nowMs: number): void {
    const latestMs = nowMs - this.lateMs;
    for (let lot = this.lots[0]; lot !== undefined && lot.nextMs < latestMs; lot = this.lots[0]) {
      this.use(lot, Math.min(lot.left, Math.ceil((latestMs - lot.nextMs) / this.everyMs)));
      this.size = Math.max(1, Math.floor(this.size / 2));
    }
  }

  private look(): void {
    const wanted = this.options.waiting();
    if (!this.isWanted || wanted === 0) return;
    this.dropLate(this.options.clock.monotonicMs());
    this.awaitTurn();
    const reserved = this.lots.reduce((sum, { left }) => sum + left, 0);
    // The next lot is reserved while this one is used.
    if (this.isAsking || this.nextTry !== undefined || reserved >= wanted || reserved * 2 > this.size) return;
    void this.ask(Math.min(this.size, wanted - reserved));
  }

  private awaitTurn(): void {
    const [lot] = this.lots;
    if (lot === undefined || this.nextTurn !== undefined) return;
    const { clock, onTurn } = this.options;
    this.nextTurn = clock.after(Math.max(0, Math.ceil(lot.nextMs - clock.monotonicMs())), () => {
      this.nextTurn = undefined;
      // Whoever cannot begin says so again.
      this.isWanted = false;
      onTurn();
    });
  }

  /** Never rejects. */
  private async ask(turns: number): Promise<void> {
    const { reserve, clock, onReserved } = this.options;
    this.isAsking = true;
    try {
      const waitMs = await reserve(turns);
      this.lots.push({ nextMs: clock.monotonicMs() + waitMs, left: turns });
      this.isAsking = false;
      onReserved();
    } catch (error) {
      this.isAsking = false;
      // F3.
      this.nextTry = clock.after(AGAIN_MS, () => {
        this.nextTry = undefined;
        this.look();
      });
      onReserved(error);
    }
    this.look();
  }
}
