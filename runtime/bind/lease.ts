// Which replica runs a handler that one replica is to run: the one that has the lease, a mark of the handler's that its holder
// writes anew all the time. No two clocks are compared.
//
// E1  Who has it writes it every TURN_MS. Who sees the same mark for LEASE_MS takes it over: its holder is gone, or cut off.
// E2  Who could not write it for STEP_BACK_MS, which is less, has it no more: before anybody else takes it.
// E3  It is written only where nobody else has written since: of two that take it at once one has it, and who finds that another
//     one has it, has it no more.
// E4  Who is done says so, once nothing of its own is in hand any more, and the next one need not wait.
//
// It is no lock: what was begun before the lease was lost goes on.

import { type Clock, delay, type Timer } from "../clock.ts";
import { type KeptMark, type KeyMarks, LEASE_TOKEN } from "./key-marks.ts";

export interface LeaseOptions {
  readonly handler: string;
  /** Different for every start of the runtime. */
  readonly instance: string;
  readonly marks: Pick<KeyMarks, "read" | "write">;
  readonly clock: Clock;
  readonly onChange: (isHeld: boolean) => void;
  readonly onTrouble: (error: unknown) => void;
}

interface LeaseMark {
  /** Undefined: nobody has it. */
  readonly holder?: string;
}

const TURN_MS = 1_000;
const LEASE_MS = 5_000;
const STEP_BACK_MS = 3_500;
const DONE_LOOK_MS = 50;

export class Lease {
  isHeld = false;
  private readonly options: LeaseOptions;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  /** As it was read or written last, and since when it is so. */
  private seen: { readonly kept: KeptMark; readonly sinceMs: number } | undefined;
  private stepBack: Timer | undefined;

  /** Begins at once. */
  constructor(options: LeaseOptions) {
    this.options = options;
    this.running = this.run();
  }

  /** E4. Resolves when it is given up. Never rejects. @param isDone whether nothing is in hand any more */
  async close(isDone: () => boolean): Promise<void> {
    const { clock } = this.options;
    while (this.isHeld && !isDone()) await delay(clock, DONE_LOOK_MS);
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { clock, onTrouble } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.turn().catch(onTrouble);
      await delay(clock, TURN_MS, signal);
    }
    if (this.isHeld) await this.write({}).catch(() => undefined); // It runs out by itself.
    this.lose();
  }

  private async turn(): Promise<void> {
    const { handler, instance, marks, clock } = this.options;
    if (!this.isHeld) {
      const kept = await marks.read(handler, LEASE_TOKEN);
      if (this.seen?.kept.revision !== kept.revision) this.seen = { kept, sinceMs: clock.monotonicMs() };
      if (!isFree(this.seen.kept, instance) && clock.monotonicMs() - this.seen.sinceMs < LEASE_MS) return;
    }
    const askedMs = clock.monotonicMs();
    if (!(await this.write({ holder: instance }))) return this.lose();
    this.hold(askedMs);
  }

  /** E3. */
  private async write(mark: LeaseMark): Promise<boolean> {
    const { handler, marks, clock } = this.options;
    const revision = await marks.write(handler, LEASE_TOKEN, mark, this.seen?.kept.revision ?? 0);
    if (revision !== undefined) this.seen = { kept: { mark, revision }, sinceMs: clock.monotonicMs() };
    return revision !== undefined;
  }

  /** E2. */
  private hold(askedMs: number): void {
    const { clock, onChange } = this.options;
    this.stepBack?.cancel();
    const leftMs = askedMs + STEP_BACK_MS - clock.monotonicMs();
    if (leftMs <= 0) return this.lose();
    this.stepBack = clock.after(leftMs, () => this.lose());
    if (this.isHeld) return;
    this.isHeld = true;
    onChange(true);
  }

  private lose(): void {
    this.stepBack?.cancel();
    if (!this.isHeld) return;
    this.isHeld = false;
    this.options.onChange(false);
  }
}

/** Nobody has it, or an earlier binding of this very runtime. */
function isFree({ mark }: KeptMark, instance: string): boolean {
  const { holder } = (mark ?? {}) as LeaseMark;
  return holder === undefined || holder === instance;
}
