// Which bindings each handler has in this process: two while one replaces the other.

import type { Binding } from "../message/binding.ts";

export interface Bound {
  /** What it takes, in words: `"todo.new"`. */
  readonly takes: string;
  readonly places: readonly BoundPlace[];
}

export interface BoundPlace {
  /** The same for bindings that take from the same place: then one goes on where the other was. */
  readonly place: string;
  /**
   * It is unbound, and nobody in this process takes from its place any more. Must not reject.
   *
   * @param now what the handler takes instead, in words; undefined: the handler is gone
   */
  readonly onLeft?: (now: string | undefined) => Promise<void>;
}

export class BoundHandlers {
  private readonly bound = new Map<string, Set<Bound>>();
  /** Where handlers took from that have no binding now: they are off, or gone. */
  private readonly last = new Map<string, Bound>();

  /** Returns the binding, which from now on tells when it is unbound. */
  add(handler: string, binding: Binding, bound: Bound): Binding {
    const all = this.bound.get(handler) ?? new Set();
    this.bound.set(handler, all.add(bound));
    const last = this.last.get(handler);
    this.last.delete(handler);
    if (last !== undefined) tellLeft(last, bound);
    const unbind = binding.unbind.bind(binding);
    let unbinding: Promise<void> | undefined;
    const unbindOnce = async () => {
      await unbind();
      all.delete(bound);
      this.left(handler, bound, [...all].at(-1));
    };
    binding.unbind = () => (unbinding ??= unbindOnce());
    return binding;
  }

  /** The handler is gone, and so is what it was bound to. */
  removed(handler: string): void {
    const last = this.last.get(handler);
    if (last !== undefined) tellLeft(last, undefined);
    this.last.delete(handler);
  }

  private left(handler: string, bound: Bound, newest: Bound | undefined): void {
    if (newest === undefined) {
      this.bound.delete(handler);
      this.last.set(handler, bound);
    } else {
      tellLeft(bound, newest);
    }
  }
}

/** Of the places of one that is unbound, those that the handler's binding of now does not take from. */
function tellLeft({ places }: Bound, now: Bound | undefined): void {
  const taken = new Set(now?.places.map(({ place }) => place));
  for (const { place, onLeft } of places) if (!taken.has(place)) void onLeft?.(now?.takes);
}
