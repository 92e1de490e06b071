// How much is recorded in a second, however much there is to see: so many of one handler, so many in all, and so many bytes of
// payloads. What failed has as much again, for it is what somebody looks for.
//
// They are the first of each second, not spread over it: a burst that fits is recorded whole, and of a flood some messages with
// all that came of them.

const TURN_MS = 1_000;
export const MOST_OF_ONE = 200;
export const MOST_IN_ALL = 400;
export const MOST_BYTES = 4 * 1024 ** 2;

export class Allowance {
  private turn = 0;
  private inAll = 0;
  private bytes = 0;
  private readonly ofOne = new Map<string, number>();

  /** Whether one more is recorded. */
  take(handler: string, failed: boolean, nowMs: number): boolean {
    this.begin(nowMs);
    const times = failed ? 2 : 1;
    const taken = this.ofOne.get(handler) ?? 0;
    if (taken >= MOST_OF_ONE * times || this.inAll >= MOST_IN_ALL * times) return false;
    this.ofOne.set(handler, taken + 1);
    this.inAll++;
    return true;
  }

  /** Whether there is room for so many bytes more. */
  takeBytes(count: number): boolean {
    if (this.bytes + count > MOST_BYTES) return false;
    this.bytes += count;
    return true;
  }

  private begin(nowMs: number): void {
    const turn = Math.floor(nowMs / TURN_MS);
    if (turn === this.turn) return;
    this.turn = turn;
    this.inAll = 0;
    this.bytes = 0;
    this.ofOne.clear();
  }
}
