// A board for each of the places that one handler takes from: what holds it has ended when it has for all of them.

import type { Hold, HoldBoard, HoldReason } from "../message/hold.ts";

type Begun = Omit<Hold, "sinceMs">;

export class SharedHolds {
  private readonly board: HoldBoard;
  private readonly held = new Map<HoldReason, Map<string, Begun>>();

  constructor(board: HoldBoard) {
    this.board = board;
  }

  /** @param place different for each of them */
  boardOf(place: string): HoldBoard {
    return {
      begin: (hold) => this.begin(place, hold),
      end: (reason) => this.end(place, reason),
    };
  }

  private begin(place: string, hold: Begun): void {
    const places = this.held.get(hold.reason) ?? new Map<string, Begun>();
    this.held.set(hold.reason, places.set(place, hold));
    this.board.begin(hold);
  }

  private end(place: string, reason: HoldReason): void {
    const places = this.held.get(reason);
    if (places?.delete(place) !== true) return;
    const [other] = places.values();
    if (other === undefined) this.board.end(reason);
    else this.board.begin(other);
  }
}
