// The last that was seen, of each handler: so many deliveries, and so many bytes in all. Where it is too much, those lose
// their oldest who have most: a flood of one handler pushes out nothing of another.

import { type Seen, weightOf } from "./seen.ts";

interface Shelf {
  readonly items: Seen[];
  runs: number;
  bytes: number;
}

export class KeptSeen<T extends Seen = Seen> {
  private readonly mostRuns: number;
  private readonly mostBytes: number;
  private readonly shelves = new Map<string, Shelf>();
  private bytes = 0;

  constructor(mostRuns: number, mostBytes: number) {
    this.mostRuns = mostRuns;
    this.mostBytes = mostBytes;
  }

  add(seen: T): void {
    const shelf = this.shelves.get(seen.handler) ?? { items: [], runs: 0, bytes: 0 };
    this.shelves.set(seen.handler, shelf);
    const weight = weightOf(seen);
    shelf.items.push(seen);
    shelf.bytes += weight;
    this.bytes += weight;
    if (seen.kind === "run") shelf.runs++;
    while (shelf.runs > this.mostRuns) this.dropOldest(shelf);
    while (this.bytes > this.mostBytes) this.dropOldest(this.heaviest());
  }

  /** In no order across handlers; of one handler as they came. */
  *all(): Generator<T> {
    for (const { items } of this.shelves.values()) yield* items as unknown as T[];
  }

  *of(handler: string): Generator<T> {
    yield* (this.shelves.get(handler)?.items ?? []) as unknown as T[];
  }

  private heaviest(): Shelf {
    let most: Shelf = { items: [], runs: 0, bytes: -1 };
    for (const shelf of this.shelves.values()) if (shelf.bytes > most.bytes) most = shelf;
    return most;
  }

  private dropOldest(shelf: Shelf): void {
    const oldest = shelf.items.shift();
    if (oldest === undefined) return;
    const weight = weightOf(oldest);
    shelf.bytes -= weight;
    this.bytes -= weight;
    if (oldest.kind === "run") shelf.runs--;
    if (shelf.items.length === 0) this.shelves.delete(oldest.handler);
  }
}
