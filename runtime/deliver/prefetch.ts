// How many deliveries a worker may hold beyond those it runs: as many as it lately finished in TARGET_MS. A quick
// handler then never waits for its next batch, and a slow one holds nothing that another worker could have run.

const TARGET_MS = 4;
const MOST = 2_048;
const SAMPLE_MS = 1;

export class Prefetch {
  extra = 0;
  private finished = 0;
  private sinceMs = 0;

  /** Work begins after a pause: what came before says nothing about the pace. */
  begin(nowMs: number): void {
    this.sinceMs = nowMs;
    this.finished = 0;
  }

  count(): void {
    this.finished++;
  }

  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.sinceMs;
    if (elapsedMs < SAMPLE_MS) return;
    this.extra = Math.min(MOST, Math.floor((this.finished / elapsedMs) * TARGET_MS));
    this.begin(nowMs);
  }
}
