// Which bindings each handler has in this process: two while one replaces the other.

import type { Binding } from "../message/binding.ts";

export interface BoundPlace {
  /** The same for bindings that take from the same place: then one goes on where the other was. */
  readonly place: string;
  /** In words: `"todo.new"`. */
  readonly takes: string;
  /**
   * It is unbound, and nobody in this process takes from its place any more. Must not reject.
   *
   * @param now what the handler takes instead, in words; undefined: the handler is gone
   */
  readonly onLeft?: (now: string | undefined) => Promise<void>;
}

export class BoundHandlers {
  private readonly bound = new Map<string, Set<BoundPlace>>();
  /** Where handlers took from that have no binding now: they are off, or gone. */
  private readonly last = new Map<string, BoundPlace>();

  /** Returns the binding, which from now on tells when it is unbound. */
  add(handler: string, binding: Binding, place: BoundPlace): Binding {
    const all = this.bound.get(handler) ?? new Set();
    this.bound.set(handler, all.add(place));
    const last = this.last.get(handler);
    this.last.delete(handler);
    if (last !== undefined && last.place !== place.place) void last.onLeft?.(place.takes);
    const unbind = binding.unbind.bind(binding);
    let unbinding: Promise<void> | undefined;
    const unbindOnce = async () => {
      await unbind();
      all.delete(place);
      this.left(handler, place, [...all].at(-1));
    };
    binding.unbind = () => (unbinding ??= unbindOnce());
    return binding;
  }

  /** The handler is gone, and so is what it was bound to. */
  removed(handler: string): void {
    void this.last.get(handler)?.onLeft?.(undefined);
    this.last.delete(handler);
  }

  private left(handler: string, place: BoundPlace, newest: BoundPlace | undefined): void {
    if (newest === undefined) {
      this.bound.delete(handler);
      this.last.set(handler, place);
    } else if (newest.place !== place.place) {
      void place.onLeft?.(newest.takes);
    }
  }
}
