// Whoever waits until there is nothing left to do.

export class AllDone {
  private waiters: (() => void)[] = [];

  get isAwaited(): boolean {
    return this.waiters.length > 0;
  }

  /** Resolves when it is told. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.waiters.push(resolve);
    });
  }

  tell(): void {
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}
