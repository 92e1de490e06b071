// So many at a time, in the order in which they come; what goes on with something that has begun comes before what begins.

export class Turns {
  private free: number;
  private readonly begins: (() => void)[] = [];
  private readonly goesOn: (() => void)[] = [];

  constructor(most: number) {
    this.free = most;
  }

  /** Ends as `act` does. */
  async take<T>(act: () => Promise<T>, is: "begun" | "new" = "new"): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => (is === "begun" ? this.goesOn : this.begins).push(resolve));
    try {
      return await act();
    } finally {
      const next = this.goesOn.shift() ?? this.begins.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}
