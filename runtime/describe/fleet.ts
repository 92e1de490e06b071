// What a change of an app breaks among the handlers that run: the fleet before and after it, each handler with what it declares.
// Pure.
//
// F1  Only what the change brings is told: what did not fit before, and goes on, is nobody's news.
// F2  Only what is declared is compared: an event in `publishes`, the schema of what is taken, that of a reply. Where one side has none,
//     or one that cannot be described, nothing is said.
// F3  A request that nobody answers any more breaks who asks; an event that nobody publishes any more breaks who takes it. A subscriber
//     that goes breaks nobody.

import type { SchemaNote } from "../metadata/contract.ts";
import { overlaps } from "../metadata/subject.ts";
import { coveredBy } from "../streams/subject-cover.ts";
import type { DescribedHandler } from "./asyncapi.ts";
import { type Finding, notAllowed } from "./not-allowed.ts";
import type { JsonSchema } from "./schema-parts.ts";

/** A handler of one of the apps. Two versions of it may run beside each other. */
export interface FleetHandler
  extends Pick<DescribedHandler, "name" | "kind" | "subjects" | "envelope" | "publishes" | "contract"> {
  readonly app: string;
}

export interface FleetName {
  readonly app: string;
  readonly handler: string;
}

export interface FleetBreak extends FleetName, Finding {
  /** What the handler that breaks has to do with the subject. */
  readonly does: "publishes" | "requests" | "takes";
  readonly subject: string;
  /** Who is at the other end, or was. */
  readonly other: FleetName;
}

interface Pair {
  readonly publisher: FleetHandler;
  readonly taker: FleetHandler;
  readonly subject: string;
}

/**
 * Sorted, each once.
 *
 * @param own the app that changes: of two that do not fit, the one of another app is who breaks
 */
export function fleetBreaks(
  before: readonly FleetHandler[],
  after: readonly FleetHandler[],
  own: string,
): FleetBreak[] {
  const known = new Set(misfits(before, own).map(keyOf));
  const fresh = misfits(after, own).filter((one) => !known.has(keyOf(one))); // F1
  const all = [...fresh, ...envelopeBreaks(before, after), ...unanswered(before, after), ...unpublished(before, after)];
  return [...new Map(all.map((one) => [keyOf(one), one])).values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Every two that do not fit each other. */
function misfits(fleet: readonly FleetHandler[], own: string): FleetBreak[] {
  return pairsOf(fleet).flatMap((pair) => {
    const { publisher, taker, subject } = pair;
    const sent = publisher.contract?.publishes.find((event) => event.subject === subject);
    const refused = compared(taker.contract?.takes, sent?.schema);
    const unread = taker.kind === "request" ? compared(sent?.replies, taker.contract?.replies) : [];
    return [
      ...refused.map((finding) => (publisher.app === own ? ofTaker(pair, finding) : ofPublisher(pair, finding))),
      ...unread.map((finding) => ofPublisher(pair, finding)),
    ];
  });
}

/** F2. */
function compared(wide: SchemaNote | undefined, narrow: SchemaNote | undefined): Finding[] {
  const [to, from] = [schemaIn(wide), schemaIn(narrow)];
  return to === undefined || from === undefined ? [] : notAllowed(to, from);
}

function schemaIn(note: SchemaNote | undefined): JsonSchema | undefined {
  return note !== undefined && "schema" in note ? note.schema : undefined;
}

function envelopeBreaks(before: readonly FleetHandler[], after: readonly FleetHandler[]): FleetBreak[] {
  return pairsOf(after).flatMap((pair) => {
    const { app, name, envelope } = pair.taker;
    const versions = before.filter((one) => one.app === app && one.name === name);
    if (versions.length === 0 || versions.some((one) => one.envelope === envelope)) return [];
    const how = envelope === "none" ? "without an envelope" : `in the envelope "${envelope}"`;
    return [ofPublisher(pair, { path: "", rule: "envelope", text: `is taken ${how} now` })];
  });
}

/** F3. */
function unanswered(before: readonly FleetHandler[], after: readonly FleetHandler[]): FleetBreak[] {
  const isRequest = ({ taker }: Pair) => taker.kind === "request";
  const answered = pairsOf(after).filter(isRequest);
  return pairsOf(before)
    .filter(isRequest)
    .filter(({ publisher, subject }) => declares(after, publisher, subject))
    .filter(({ subject }) => !answered.some((pair) => pair.subject === subject))
    .map((pair) => ofPublisher(pair, { path: "", rule: "removed", text: "is answered by no handler any more" }));
}

/** F3. */
function unpublished(before: readonly FleetHandler[], after: readonly FleetHandler[]): FleetBreak[] {
  const published = after.flatMap(({ publishes }) => publishes);
  return pairsOf(before)
    .filter(({ subject }) => !coveredBy(published, subject))
    .filter(({ taker, subject }) => after.some((one) => nameKey(one) === nameKey(taker) && takes(one, subject)))
    .map((pair) => ofTaker(pair, { path: "", rule: "removed", text: "is published by no handler any more" }));
}

function declares(fleet: readonly FleetHandler[], publisher: FleetHandler, subject: string): boolean {
  return fleet.some((one) => nameKey(one) === nameKey(publisher) && one.publishes.includes(subject));
}

function pairsOf(fleet: readonly FleetHandler[]): Pair[] {
  return fleet.flatMap((publisher) =>
    [...new Set(publisher.publishes)].flatMap((subject) =>
      fleet.filter((taker) => takes(taker, subject)).map((taker) => ({ publisher, taker, subject })),
    ),
  );
}

function takes({ subjects }: FleetHandler, subject: string): boolean {
  return subjects.some((pattern) => overlaps(pattern, subject));
}

function ofPublisher({ publisher, taker, subject }: Pair, finding: Finding): FleetBreak {
  const does = taker.kind === "request" ? "requests" : "publishes";
  return { ...named(publisher), does, subject, ...finding, other: named(taker) };
}

function ofTaker({ publisher, taker, subject }: Pair, finding: Finding): FleetBreak {
  return { ...named(taker), does: "takes", subject, ...finding, other: named(publisher) };
}

function named({ app, name }: FleetHandler): FleetName {
  return { app, handler: name };
}

function nameKey({ app, name }: FleetHandler): string {
  return JSON.stringify([app, name]);
}

function keyOf({ app, handler, does, subject, path, rule, text, other }: FleetBreak): string {
  return JSON.stringify([app, handler, does, subject, path, rule, text, other.app, other.handler]);
}
