// What follows for the messages of a batch once it has ended. Pure. Whoever fails as one of many is charged nothing: the batch
// is halved until the one that is to blame is alone, in so many steps as the number can be halved.
//
// | the batch               | a message that was named        | the others                              |
// | returned                | ends as its own outcome says    | returned                                |
// | slow down, retry later, | the same                        | end as the batch: that is said of all   |
// | NATS was away           |                                 |                                         |
// | was cancelled           | the same; the cancelled one so  | run again together, uncharged           |
// | failed otherwise, of 1  | the same                        | ends as the batch                       |
// | failed otherwise, of n  | the same                        | run again in two halves, uncharged      |

import { isFailure, type Outcome } from "../message/outcome.ts";
import { isOutage } from "./settle.ts";

export interface EndedBatch<T> {
  readonly settled: readonly (readonly [member: T, outcome: Outcome])[];
  /** To be run again, each as a batch of its own. */
  readonly again: readonly (readonly T[])[];
}

/** @param named how those ended of which the worker has told by their place. @param outcome of all others */
export function afterBatch<T>(
  members: readonly T[],
  named: ReadonlyMap<number, Outcome>,
  outcome: Outcome,
): EndedBatch<T> {
  const settled: (readonly [T, Outcome])[] = [];
  const others: T[] = [];
  for (const [at, member] of members.entries()) {
    const own = named.get(at);
    if (own === undefined) others.push(member);
    else settled.push([member, own.kind === "cancelled" ? outcome : own]);
  }
  if (outcome.kind === "cancelled") return { settled, again: others.length === 0 ? [] : [others] };
  if (others.length > 1 && mayBeOneOfThem(outcome)) return { settled, again: halvesOf(others) };
  for (const member of others) settled.push([member, outcome]);
  return { settled, again: [] };
}

/** The larger half first. */
export function halvesOf<T>(members: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(members.length / 2);
  return [members.slice(0, middle), members.slice(middle)];
}

/** Whether the failure of all may be the fault of one. */
function mayBeOneOfThem(outcome: Outcome): boolean {
  if (!isFailure(outcome) || isOutage(outcome)) return false;
  return outcome.kind !== "slow-down" && outcome.kind !== "retry-later";
}
