// The headers a handler reads. NATS keeps the case of names; a reader should not have to guess it.

import type { HeaderPairs } from "../message/header-block.ts";

export class ReceivedHeaders {
  private readonly pairs: HeaderPairs;

  constructor(pairs: HeaderPairs) {
    this.pairs = pairs;
  }

  /** First value of that name, compared without case. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.pairs.find(([given]) => given.toLowerCase() === wanted)?.[1];
  }

  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.pairs.filter(([given]) => given.toLowerCase() === wanted).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Each name once, with all its values. */
  *[Symbol.iterator](): Iterator<[string, string[]]> {
    const seen = new Set<string>();
    for (const [name] of this.pairs) {
      const key = name.toLowerCase();
      if (seen.has(key)) continue;
      seen.add(key);
      yield [name, this.getAll(name)];
    }
  }
}
