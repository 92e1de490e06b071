// Tells the bindings of this replica how slowly operators want their handlers to begin.

import type { FirstMessages, SlowStarts, SlowStartWords } from "../message/slow-start.ts";

type Heard = (words: SlowStartWords | undefined) => void;

/** Counts messages for all replicas, as `SlowStarts.letThrough` does. */
export type Counter = SlowStarts["letThrough"];

export class ReplicaSlowStarts implements SlowStarts {
  /** Where nobody counts, nobody has been told to. */
  counter: Counter = () => Promise.reject(new Error("this replica does not follow the intents"));
  private readonly said = new Map<string, SlowStartWords>();
  private readonly watching = new Map<string, Set<Heard>>();

  /** An operator's word on a handler that is on; undefined: it begins as fast as it can. */
  on(handler: string, words: SlowStartWords | undefined): void {
    if (words === undefined) this.said.delete(handler);
    else this.said.set(handler, words);
    this.tell(handler, words);
  }

  /** It is turned off: of its first messages none is left for what has come already. */
  off(handler: string): void {
    const before = this.said.get(handler);
    this.said.delete(handler);
    if (before?.first !== undefined) this.tell(handler, { ...before, first: { ...before.first, left: 0 } });
  }

  watch(handler: string, heard: Heard): () => void {
    const all = this.watching.get(handler) ?? new Set();
    this.watching.set(handler, all.add(heard));
    heard(this.said.get(handler));
    return () => {
      all.delete(heard);
      if (all.size === 0 && this.watching.get(handler) === all) this.watching.delete(handler);
    };
  }

  of(handler: string): SlowStartWords | undefined {
    return this.said.get(handler);
  }

  letThrough(handler: string, first: FirstMessages, wanted: number): Promise<number> {
    return this.counter(handler, first, wanted);
  }

  private tell(handler: string, words: SlowStartWords | undefined): void {
    for (const heard of this.watching.get(handler) ?? []) heard(words);
  }
}
