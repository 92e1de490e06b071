// Calls of one run that are carried out as one, when the last of them has come: each may be on its way for another time.
//
// T1  All of them are answered alike.
// T2  One that is refused on its way is the end of all: nothing is carried out.

import type { CallAnswer, CarryOutTogether, HandlerCall, PlaceTogether } from "./handler-call.ts";

type Refusal = Extract<CallAnswer, { ok: false }>;

export class Together {
  private readonly count: number;
  private readonly calls: HandlerCall[] = [];
  private readonly answer = Promise.withResolvers<CallAnswer>();
  private places = 0;
  private arrived = 0;
  private isOver = false;

  /** @param count how many they are */
  constructor(count: number) {
    this.count = count;
  }

  /** Every place has been given away. */
  get isFull(): boolean {
    return this.places >= this.count;
  }

  /** For the next one, in the order in which they were made. */
  place(): PlaceTogether {
    const at = this.places++;
    return { carryOut: (call, all) => this.add(at, call, all) };
  }

  /** T2. Where they have been carried out already it changes nothing. */
  giveUp(refusal: Refusal): void {
    this.isOver = true;
    this.answer.resolve(refusal);
  }

  private add(at: number, call: HandlerCall, all: CarryOutTogether): Promise<CallAnswer> {
    this.calls[at] = call;
    if (++this.arrived === this.count && !this.isOver) {
      this.isOver = true;
      void all(this.calls).then((answer) => this.answer.resolve(answer));
    }
    return this.answer.promise;
  }
}
