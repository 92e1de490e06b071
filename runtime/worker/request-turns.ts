// Requests of one worker under way: as many as the supervisor keeps for it. Those beyond that wait here, in the process and
// in the memory of who makes them, and end with it.
//
// Q1  They have their turn in the order they were made.
// Q2  Their time runs from when they were made: one that has had no turn by then is refused, and never sent.

import { MOST_REQUEST_BYTES } from "../wire/call-frame.ts";

export interface RequestTurn {
  readonly bytes: number;
  readonly timeoutMs: number;
  /** Send it: `leftMs` of its time are left. `leave` is to be called with its bytes when it has ended. */
  begin(leftMs: number): void;
  /** Its time is up: it had no turn. */
  expired(): void;
}

interface Waiting {
  readonly turn: RequestTurn;
  readonly dueMs: number;
  readonly timer: NodeJS.Timeout;
  isExpired: boolean;
}

export class RequestTurns {
  private readonly most: number;
  private readonly mostBytes: number;
  private open = 0;
  private openBytes = 0;
  private waiting: Waiting[] = [];
  private head = 0;

  constructor(most: number, mostBytes = MOST_REQUEST_BYTES) {
    this.most = most;
    this.mostBytes = mostBytes;
  }

  /** Begins it now, or when others have left. */
  enter(turn: RequestTurn): void {
    if (this.head === this.waiting.length && this.hasRoom(turn)) return this.begin(turn, turn.timeoutMs);
    const waiting: Waiting = {
      turn,
      dueMs: performance.now() + turn.timeoutMs,
      timer: setTimeout(() => this.expire(waiting), turn.timeoutMs),
      isExpired: false,
    };
    this.waiting.push(waiting);
  }

  /** One of them has ended. */
  leave(bytes: number): void {
    this.open--;
    this.openBytes -= bytes;
    while (this.head < this.waiting.length) {
      const { turn, timer, dueMs, isExpired } = this.waiting[this.head]!;
      if (!isExpired && !this.hasRoom(turn)) break;
      this.waiting[this.head++] = undefined as never;
      if (isExpired) continue;
      clearTimeout(timer);
      this.begin(turn, Math.max(1, Math.ceil(dueMs - performance.now())));
    }
    if (this.head * 2 <= this.waiting.length) return;
    this.waiting = this.waiting.slice(this.head);
    this.head = 0;
  }

  private hasRoom({ bytes }: RequestTurn): boolean {
    return this.open === 0 || (this.open < this.most && this.openBytes + bytes <= this.mostBytes);
  }

  private begin(turn: RequestTurn, leftMs: number): void {
    this.open++;
    this.openBytes += turn.bytes;
    turn.begin(leftMs);
  }

  private expire(waiting: Waiting): void {
    waiting.isExpired = true;
    waiting.turn.expired();
  }
}
