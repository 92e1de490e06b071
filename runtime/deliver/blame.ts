// Who is charged for a worker that has ended, by what it had in flight. Pure; the rules are the lane's (L3 to L7).

import { NOT_ITS_FAULT, type Outcome, type WorkerExit } from "../message/outcome.ts";
import type { LeftBehind } from "./worker-place.ts";

interface InFlight {
  readonly delivery: unknown;
}

export interface Judged<Entry extends InFlight> {
  /** To be settled so. */
  readonly ended: readonly { readonly entry: Entry; readonly outcome: Outcome }[];
  readonly left: LeftBehind<Entry["delivery"]>;
}

export interface Evidence<Entry> {
  readonly exit: WorkerExit;
  /** It gave no sign of life after the last signal to stop. */
  readonly isBlocked: boolean;
  /** Its time was up, or an operator has cancelled it. */
  readonly isLate: (entry: Entry) => boolean;
  readonly isCancelled: (entry: Entry) => boolean;
  readonly isHeld: (entry: Entry) => boolean;
  /** What one that is late ends with. */
  readonly outcomeOf: (entry: Entry, isBlocked: boolean) => Outcome;
}

export function blame<Entry extends InFlight>(all: readonly Entry[], evidence: Evidence<Entry>): Judged<Entry> {
  const { isHeld, isCancelled, isBlocked, outcomeOf } = evidence;
  const cancelled = all.filter(isCancelled);
  const held = all.filter(isHeld);
  const running = all.filter((entry) => !isHeld(entry) && !isCancelled(entry));
  const rest = cancelled.length > 0 ? besideCancelled(running, evidence) : ofItself(running, evidence);
  return {
    ended: [...cancelled.map((entry) => ({ entry, outcome: outcomeOf(entry, isBlocked) })), ...rest.ended],
    left: {
      ...rest.left,
      innocent: [...rest.left.innocent, ...deliveriesOf(held)],
      endedBy: cancelled.length > 0 ? "operator" : evidence.exit.dueTo === undefined ? undefined : "others",
    },
  };
}

/** L7. Where it cannot be known whether one that was late had a fair chance, it runs again, alone. */
function besideCancelled<Entry extends InFlight>(running: readonly Entry[], evidence: Evidence<Entry>): Judged<Entry> {
  const { isLate, isBlocked } = evidence;
  const late = running.filter(isLate);
  const innocent = deliveriesOf(running.filter((entry) => !isLate(entry)));
  if (isBlocked) return { ended: [], left: { culprits: [], innocent, suspects: deliveriesOf(late) } };
  return { ended: endedLate(late, evidence), left: leftBy(late, innocent) };
}

/** L3 to L5. */
function ofItself<Entry extends InFlight>(running: readonly Entry[], evidence: Evidence<Entry>): Judged<Entry> {
  const { exit, isLate, isBlocked } = evidence;
  const late = running.filter(isLate);
  const isAlone = running.length === 1 && exit.dueTo !== "unknown";
  if (late.length > 0 && (!isBlocked || isAlone)) {
    const innocent = deliveriesOf(running.filter((entry) => !isLate(entry)));
    return { ended: endedLate(late, evidence), left: leftBy(late, innocent) };
  }
  if (exit.killedBecause === NOT_ITS_FAULT || exit.dueTo === "others")
    return { ended: [], left: leftBy([], deliveriesOf(running)) };
  const [only] = running;
  if (late.length === 0 && isAlone && only !== undefined) {
    const outcome: Outcome = exit.outOfMemory ? { kind: "out-of-memory", exit } : { kind: "crashed", exit };
    return { ended: [{ entry: only, outcome }], left: leftBy(running, []) };
  }
  return { ended: [], left: { ...leftBy([], []), suspects: deliveriesOf(running) } };
}

function endedLate<Entry extends InFlight>(
  late: readonly Entry[],
  { isBlocked, outcomeOf }: Evidence<Entry>,
): Judged<Entry>["ended"] {
  return late.map((entry) => ({ entry, outcome: outcomeOf(entry, isBlocked) }));
}

function leftBy<Entry extends InFlight>(
  culprits: readonly Entry[],
  innocent: readonly Entry["delivery"][],
): LeftBehind<Entry["delivery"]> {
  return { culprits: deliveriesOf(culprits), innocent, suspects: [] };
}

function deliveriesOf<Entry extends InFlight>(entries: readonly Entry[]): Entry["delivery"][] {
  return entries.map(({ delivery }) => delivery);
}
