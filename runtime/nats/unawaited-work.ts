// Promises that nobody awaits where they are made, so that a shutdown can.

export class UnawaitedWork {
  private readonly promises = new Set<Promise<void>>();

  /** The promise must not reject. */
  add(promise: Promise<void>): void {
    this.promises.add(promise);
    void promise.finally(() => this.promises.delete(promise));
  }

  /** Resolves when none is left, those included that are added meanwhile. */
  async settled(): Promise<void> {
    while (this.promises.size > 0) await Promise.all(this.promises);
  }
}
