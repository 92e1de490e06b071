// Which calls of a run belong to a part of it that a later run may leave out (once.ts, O6). Their numbers, of which message ids are made,
// are set aside in each run: what is called beside and after the part has the same number whether it was called or not.

import { AsyncLocalStorage } from "node:async_hooks";

interface PartCalls {
  readonly run: object;
  next: number;
  readonly end: number;
}

/** Of one part. */
export const MOST_PART_CALLS = 10_000;

/** Most handlers have no parts, and pay nothing. */
let parts: AsyncLocalStorage<PartCalls> | undefined;

/** @param first of the numbers that are set aside */
export function asPart<T>(run: object, first: number, act: () => T): T {
  parts ??= new AsyncLocalStorage();
  return parts.run({ run, next: first, end: first + MOST_PART_CALLS }, act);
}

/** The number of the next call of the part that is running; undefined: none of the run's is. */
export function callOfPart(run: object): number | undefined {
  const part = parts?.getStore();
  if (part?.run !== run) return undefined;
  if (part.next < part.end) return part.next++;
  throw new Error(`ctx.once: its part makes more than ${MOST_PART_CALLS} calls of ctx.publish and ctx.request`);
}

/** Whether a part of that run is running. */
export function isPartOf(run: object): boolean {
  return parts?.getStore()?.run === run;
}

/** For a call that has a number already. */
export function asNoPart<T>(act: () => T): T {
  return parts === undefined ? act() : parts.exit(act);
}
