// Many writes at once, of which only so many are under way: each has its time from when it begins.

export class WriteTurns {
  private readonly most: number;
  private readonly waiting: (() => void)[] = [];
  private head = 0;
  private underWay = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** Begins at once where fewer are under way; else in its turn. Settles as `write` does. */
  async run<T>(write: () => Promise<T>): Promise<T> {
    if (this.underWay >= this.most) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.underWay++;
    try {
      return await write();
    } finally {
      this.next();
    }
  }

  /** The place is kept for whoever waits longest. */
  private next(): void {
    const begin = this.waiting[this.head++];
    if (begin !== undefined) return begin();
    this.waiting.length = 0;
    this.head = 0;
    this.underWay--;
  }
}
