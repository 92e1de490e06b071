// What two runs of one message did differently, each difference with a name that is the same for all messages.

import { aligned, type Pair } from "./align.ts";
import type { Seen, SeenCall, SeenLine } from "./seen.ts";
import { shapeOf } from "./shape.ts";

export interface Difference {
  /** `publish orders.billed: cents`, `reply: items[].id`, `log info "saved #": missing`, ... */
  readonly what: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Tell = (what: string, before: unknown, after: unknown) => void;

/** In the order of the run: how it ended comes first. */
export function differencesBetween(before: Seen, after: Seen): Difference[] {
  const found: Difference[] = [];
  const tell: Tell = (what, was, is) => found.push({ what, before: was, after: is });
  if (before.outcome !== after.outcome) {
    tell(`outcome: ${before.outcome} → ${after.outcome}`, endOf(before), endOf(after));
  } else if (before.error !== after.error) tell(`outcome ${before.outcome}: error`, before.error, after.error);
  if (before.outcome === after.outcome) {
    compareValues("reply", before.reply, after.reply, tell);
    compareValues("replies", before.replies, after.replies, tell);
  }
  const isTold = notOnlyConsequence(before, after);
  for (const pair of aligned(before.calls, after.calls, callKey)) if (isTold(pair)) compareCalls(...pair, tell);
  for (const pair of aligned(before.logs, after.logs, lineName)) if (isTold(pair)) compareLines(...pair, tell);
  return found;
}

/** What a run did not come to, since it failed where the other did not, says nothing more than that. */
function notOnlyConsequence(before: Seen, after: Seen): (pair: Pair<unknown>) => boolean {
  const endsDiffer = before.outcome !== after.outcome;
  const cut = {
    before: endsDiffer && before.outcome !== "returned",
    after: endsDiffer && after.outcome !== "returned",
  };
  return ([was, is]) => !(was === undefined && cut.before) && !(is === undefined && cut.after);
}

function endOf({ outcome, error }: Seen): string {
  return error === "" ? outcome : `${outcome} (${error})`;
}

function callKey({ kind, subject }: SeenCall): string {
  return `${kind} ${subject}`;
}

function compareCalls(before: SeenCall | undefined, after: SeenCall | undefined, tell: Tell): void {
  if (before === undefined || after === undefined) {
    const one = before ?? after!;
    return tell(`${callKey(one)}: ${before === undefined ? "added" : "missing"}`, before?.data, after?.data);
  }
  if (before.kind !== after.kind) return tell("kind of call", callKey(before), callKey(after));
  if (before.subject !== after.subject) tell(`${before.kind}: subject`, before.subject, after.subject);
  const name = before.subject === after.subject ? callKey(before) : `${before.kind} of another subject`;
  compareValues(`${name}: data`, before.data, after.data, tell);
  compareValues(`${name}: headers`, before.headers, after.headers, tell);
  if (before.leaves !== after.leaves) tell(`${name}: leaves`, before.leaves ?? "at once", after.leaves ?? "at once");
}

/** Lines are the same line when they read alike. */
function lineName({ level, message }: SeenLine): string {
  return `log ${level} ${JSON.stringify(shapeOf(message))}`;
}

function compareLines(before: SeenLine | undefined, after: SeenLine | undefined, tell: Tell): void {
  if (before === undefined || after === undefined) {
    const one = before ?? after!;
    return tell(`${lineName(one)}: ${before === undefined ? "added" : "missing"}`, before?.message, after?.message);
  }
  if (before.level !== after.level) return tell("log: level", textOf(before), textOf(after));
  const name = lineName(before) === lineName(after) ? lineName(before) : `log ${before.level}`;
  compareValues(`${name}: text`, before.message, after.message, tell);
  compareValues(`${name}: fields`, before.fields, after.fields, tell);
}

function textOf({ level, message }: SeenLine): string {
  return `${level}: ${message}`;
}

function compareValues(what: string, before: unknown, after: unknown, tell: Tell): void {
  if (Object.is(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [at, value] of before.entries()) compareValues(`${what}[]`, value, after[at], tell);
    return;
  }
  if (!isRecord(before) || !isRecord(after)) return tell(what, before, after);
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compareValues(`${what}.${key}`, before[key], after[key], tell);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
