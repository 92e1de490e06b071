// The stream of an ordered handler: a copy that the server makes of the messages of its subject, divided by the token that is
// the key. Each of its partitions has a durable that hands out one message at a time, to whichever replica asks.
//
// O1  A message is copied once, in the order of its stream. The last copy says how far the copying has come, so it stays: an
//     empty stream would be filled from a time of storage, which is too early or too late.
// O2  A stream is divided in one way, for as long as it is there. For another way there is a second one, side by side: each
//     handler has two names for them. Only one of both is fed; what is in the other is handled first (ordered-turn.ts).

import {
  type ConsumerInfo,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import type { FleetOrder } from "../metadata/handler-metadata.ts";
import { durableNameOf } from "./durable-name.ts";

/** How messages are divided, and from where they come. */
export interface Division extends FleetOrder {
  readonly subject: string;
  /** The stream that is copied, and when that was made: another time is another stream. */
  readonly source: string;
  readonly sourceCreated: string;
}

export interface OrderedStream {
  readonly name: string;
  readonly division: Division;
  readonly createdAtMs: number;
  /** Whether it is fed still. */
  readonly isFed: boolean;
  /** The number of the copied stream with which its copying began; undefined: with a time of storage. */
  readonly begunWith: number | undefined;
}

/** The number of a message of the copied stream, or what its handler's metadata says. */
export type CopyFrom = { readonly sequence: number } | { readonly atMs: number };

/** Two tokens before the subject as it was: stored in no stream but ours, and subscribed to by nobody. */
const PLACE = "in-order";
const PLACE_TOKENS = 2;
const FACTS = "nats-handlers.";
/** As the server writes it: stream, number, and more with newer ones. */
const COPIED_FROM = "Nats-Stream-Source";

/** O2. */
export function orderedStreamNames(app: string, handler: string, subject: string): readonly [string, string] {
  const name = `ORDER_${durableNameOf(app, handler, subject)}`;
  return [`${name}_a`, `${name}_b`];
}

/** What the durable of a partition takes. */
export function partitionFilter(partition: number, subject: string): string {
  return `${PLACE}.${partition}.${subject}`;
}

/** All that is in the stream. */
export const EVERY_PARTITION = `${PLACE}.>`;

export function orderedStreamConfig(
  name: string,
  division: Division,
  from: CopyFrom,
): Partial<StreamConfig> & { readonly name: string } {
  return {
    name,
    description: `messages of "${division.subject}" of stream ${division.source} in order, for a handler`,
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    metadata: factsOf({ ...division, from: "sequence" in from ? from.sequence : "" }),
    sources: [{ name: division.source, ...startOf(from), subject_transforms: [transformOf(division)] }],
  };
}

function startOf(from: CopyFrom) {
  return "sequence" in from
    ? { opt_start_seq: Math.max(1, from.sequence) }
    : { opt_start_time: new Date(from.atMs).toISOString() };
}

/** `order.*.placed` by its first wildcard: `in-order.{{partition(8,1)}}.order.{{wildcard(1)}}.placed`. */
export function transformOf({ subject, wildcard, partitions }: Division): { src: string; dest: string } {
  let number = 0;
  const kept = subject.split(".").map((token) => (token === "*" ? `{{wildcard(${++number})}}` : token));
  return { src: subject, dest: [PLACE, `{{partition(${partitions},${wildcard + 1})}}`, ...kept].join(".") };
}

/** Undefined: it is none of ours, or not what we know of such streams. */
export function orderedStreamOf({ config, created }: StreamInfo): OrderedStream | undefined {
  const division = divisionIn(config.metadata ?? {});
  if (division === undefined) return undefined;
  const { name, sources, metadata } = config;
  const begunWith = Number(metadata?.[`${FACTS}from`]) || undefined;
  return { name, division, createdAtMs: Date.parse(created), isFed: (sources ?? []).length > 0, begunWith };
}

function factsOf({ sourceCreated, ...more }: Division & { readonly from: number | "" }): Record<string, string> {
  const facts = { ...more, "source-created": sourceCreated };
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`${FACTS}${name}`, String(value)]));
}

function divisionIn(metadata: Readonly<Record<string, string>>): Division | undefined {
  const fact = (name: string) => metadata[`${FACTS}${name}`] ?? "";
  const [wildcard, partitions] = [Number(fact("wildcard")), Number(fact("partitions"))];
  if (fact("source") === "" || !(partitions > 0)) return undefined;
  return {
    subject: fact("subject"),
    source: fact("source"),
    sourceCreated: fact("source-created"),
    wildcard,
    partitions,
  };
}

export function isSameDivision(one: Division, other: Division): boolean {
  return isSameSource(one, other) && one.wildcard === other.wildcard && one.partitions === other.partitions;
}

export function isSameSource(one: Division, other: Division): boolean {
  return one.source === other.source && one.sourceCreated === other.sourceCreated && one.subject === other.subject;
}

/** The subject that a copied message had. */
export function subjectBefore(subject: string): string {
  return subject.split(".").slice(PLACE_TOKENS).join(".");
}

/** What the handler claims, of the filter of one of its durables; undefined: it is no partition's. */
export function claimBefore(filter: string): string | undefined {
  return filter.startsWith(`${PLACE}.`) ? subjectBefore(filter) : undefined;
}

/** Its number in the stream it was copied from, by the header that the server has given it. */
export function copiedNumber(headers: { get(name: string): string } | undefined): number | undefined {
  const number = Number(headers?.get(COPIED_FROM).split(" ")[1]);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

export function isMarkOfCopy(header: string): boolean {
  return header === COPIED_FROM;
}

/** The first number that some partition still needs; undefined: none does. Of all its durables. */
export function firstNeeded(durables: readonly Pick<ConsumerInfo, "num_pending" | "num_ack_pending" | "ack_floor">[]) {
  const needed = durables
    .filter(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending > 0)
    .map(({ ack_floor }) => ack_floor.stream_seq + 1);
  return needed.length === 0 ? undefined : Math.min(...needed);
}
