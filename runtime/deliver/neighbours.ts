// Dispatchers whose workers are in one process. A message that is to run alone (D3) is to be alone in the process: otherwise it
// would not be known again which one it died of.
//
// A1  Whoever wants to run one alone keeps the others from handing anything over, and begins once none of them has anything in
//     flight.
// A2  After one message the others have their turn: of those that want to run one alone the next, else all.

export interface Neighbour {
  readonly inFlight: number;
  /** It may hand over again. */
  goOn(): void;
}

export class Neighbours {
  private readonly all = new Set<Neighbour>();
  /** Runs one alone, or wants to. */
  private alone: Neighbour | undefined;

  join(one: Neighbour): void {
    this.all.add(one);
  }

  leave(one: Neighbour): void {
    this.all.delete(one);
    this.doneAlone(one);
  }

  /** Whether it may hand over what need not be alone. */
  mayHandOver(one: Neighbour): boolean {
    return this.alone === undefined || this.alone === one;
  }

  /** A1. Whether it may begin now; `doneAlone` is to be called once it has ended, or it wants it no more. */
  wantsAlone(one: Neighbour): boolean {
    this.alone ??= one;
    return this.alone === one && this.isQuietFor(one);
  }

  /** A2. */
  doneAlone(one: Neighbour): void {
    if (this.alone !== one) return;
    this.alone = undefined;
    for (const other of this.all) if (other !== one) other.goOn();
  }

  isAlone(one: Neighbour): boolean {
    return this.alone === one;
  }

  /** Something of its has ended: who waits to be alone may be so now. */
  progressed(one: Neighbour): void {
    const { alone } = this;
    if (alone !== undefined && alone !== one && this.isQuietFor(alone)) alone.goOn();
  }

  private isQuietFor(one: Neighbour): boolean {
    for (const other of this.all) if (other !== one && other.inFlight > 0) return false;
    return true;
  }
}
