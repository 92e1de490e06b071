// Messages a second of each handler, from counts that are looked at again and again.

export interface Counts {
  readonly handled: number;
  readonly failed: number;
}

export interface Rates {
  readonly rate: number;
  readonly failRate: number;
}

interface Sample extends Counts {
  readonly atMs: number;
}

/** A rate is that of the last so long. */
const WINDOW_MS = 5_000;

export class RateMeter {
  private readonly samples = new Map<string, Sample[]>();

  /** 0 at the first look, and after the counts have begun anew. */
  look(name: string, { handled, failed }: Counts, atMs: number): Rates {
    const now = { handled, failed, atMs };
    const before = this.samples.get(name) ?? [];
    const last = before.at(-1);
    const restarted = last !== undefined && (handled < last.handled || failed < last.failed);
    const kept = restarted ? [] : before;
    // The first that is older than the window stays: from there it is counted.
    while (kept.length > 1 && atMs - (kept[1]?.atMs ?? atMs) >= WINDOW_MS) kept.shift();
    this.samples.set(name, [...kept, now]);
    const from = kept[0];
    const seconds = from === undefined ? 0 : (atMs - from.atMs) / 1_000;
    if (from === undefined || seconds <= 0) return { rate: 0, failRate: 0 };
    const failRate = (failed - from.failed) / seconds;
    return { rate: rounded((handled - from.handled) / seconds + failRate), failRate: rounded(failRate) };
  }

  /** Nobody has looked for a while: what was counted before says nothing of now. */
  reset(): void {
    this.samples.clear();
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
