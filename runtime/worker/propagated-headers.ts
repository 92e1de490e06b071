// Headers that go on from a message to what its handler sends, as the handler's `propagate` names them.

import type { ReceivedHeaders } from "./headers.ts";

/**
 * Spelt as they came: receivers may tell large letters from small ones.
 *
 * @param own what the author gives: it wins
 */
export function* propagatedHeaders(
  from: ReceivedHeaders,
  names: readonly string[],
  own: object,
): Generator<[string, string]> {
  const given = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  for (const [name, values] of from) {
    const plain = name.toLowerCase();
    if (!names.includes(plain) || given.has(plain)) continue;
    for (const value of values) yield [name, value];
  }
}
