// The state that a slot is in, with the version it owns there. Events alone move it (handler-state.ts), and every change is
// told.

import type { Emit } from "../events.ts";
import type { Generation } from "./generation.ts";
import { type StateEvent, type StateKind, transition } from "./handler-state.ts";
import { currentOf, type SlotState, stateOf } from "./slot-state.ts";

export class SlotLife {
  private readonly handler: string;
  private readonly emit: Emit;
  private now: SlotState = { kind: "starting" };

  constructor(handler: string, emit: Emit) {
    this.handler = handler;
    this.emit = emit;
  }

  get state(): SlotState {
    return this.now;
  }

  /** The version that is bound, if there is one. */
  get current(): Generation | undefined {
    return currentOf(this.now);
  }

  is(...kinds: readonly StateKind[]): boolean {
    return kinds.includes(this.now.kind);
  }

  /** @param current the version it has from now on; the one it had, unless given */
  move(event: StateEvent, current = this.current): void {
    const from = this.now.kind;
    this.now = stateOf(transition(from, event), current);
    const to = this.now.kind;
    if (from !== to) this.emit({ type: "handler.state", handler: this.handler, from, to });
  }
}
