// The stream of an ordered handler: a copy of the messages of its subject, divided by their key. Each of its partitions has a
// durable that hands out one message at a time, to whichever replica asks. Where the key is a token of the subject the server
// makes the copy; where it is a header or a field, the replicas do (bind/sorter.ts).
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
import type { FleetOrder, MessageKey } from "../metadata/handler-metadata.ts";
import { messageKeyText } from "../metadata/message-key.ts";
import { durableNameOf } from "./durable-name.ts";

/** How messages are divided, and from where they come. */
export type Division = FleetOrder & {
  readonly subject: string;
  /** The stream that is copied, and when that was made: another time is another stream. */
  readonly source: string;
  readonly sourceCreated: string;
};

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

/** Tokens before the subject as it was: stored in no stream but ours, and subscribed to by nobody. By who has put it there. */
const BY_SERVER = { place: "in-order", tokens: 2 };
/** The name of the stream follows: it is published to. */
const BY_US = { place: "put-in-order", tokens: 3 };
const FACTS = "nats-handlers.";
/** As the server writes it: stream, number, and more with newer ones. */
const COPIED_FROM = "Nats-Stream-Source";
/** As we do. */
const PUT_FROM = "Handlers-Copied-From";
/** Before the names of headers by which a stream that is published to would be told what to do: they were for another stream. */
const PUT_ASIDE = "Handlers-Copied-";
const FOR_STREAMS = "nats-";

/** O2. */
export function orderedStreamNames(app: string, handler: string, subject: string): readonly [string, string] {
  const name = `ORDER_${durableNameOf(app, handler, subject)}`;
  return [`${name}_a`, `${name}_b`];
}

type Pairs = readonly (readonly [name: string, value: string])[];

type Placed = Pick<OrderedStream, "name" | "division">;

/** Whether the replicas put messages into it, and not the server. */
export function isSorted(division: MessageKey): boolean {
  return !("wildcard" in division);
}

function placeIn({ name, division }: Placed): string {
  return isSorted(division) ? `${BY_US.place}.${name}` : BY_SERVER.place;
}

/** What the durable of a partition takes. */
export function partitionFilter(stream: Placed, partition: number): string {
  return partitionSubject(stream, partition, stream.division.subject);
}

/** What a message of that subject has there. */
export function partitionSubject(stream: Placed, partition: number, subject: string): string {
  return `${placeIn(stream)}.${partition}.${subject}`;
}

/** All that is in the stream. */
export function everyPartition(stream: Placed): string {
  return `${placeIn(stream)}.>`;
}

/** What is published to put messages into it. */
export function sortedSubjects(stream: string): string {
  return `${BY_US.place}.${stream}.>`;
}

/** Takes nothing any more, from the server or from us: a stream without a subject would take its own name. */
export function fedNoMore(stream: string): Partial<StreamConfig> {
  return { sources: [], subjects: [`${BY_US.place}-before.${stream}`] };
}

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
    metadata: factsOf(division, "sequence" in from ? from.sequence : ""),
    ...("wildcard" in division
      ? { sources: [{ name: division.source, ...startOf(from), subject_transforms: [transformOf(division)] }] }
      : { subjects: [sortedSubjects(name)] }),
  };
}

function startOf(from: CopyFrom) {
  return "sequence" in from
    ? { opt_start_seq: Math.max(1, from.sequence) }
    : { opt_start_time: new Date(from.atMs).toISOString() };
}

/** `order.*.placed` by its first wildcard: `in-order.{{partition(8,1)}}.order.{{wildcard(1)}}.placed`. */
export function transformOf({ subject, wildcard, partitions }: Extract<Division, { wildcard: number }>): {
  src: string;
  dest: string;
} {
  let number = 0;
  const kept = subject.split(".").map((token) => (token === "*" ? `{{wildcard(${++number})}}` : token));
  return { src: subject, dest: [BY_SERVER.place, `{{partition(${partitions},${wildcard + 1})}}`, ...kept].join(".") };
}

/** Undefined: it is none of ours, or not what we know of such streams. */
export function orderedStreamOf({ config, created }: StreamInfo): OrderedStream | undefined {
  const division = divisionIn(config.metadata ?? {});
  if (division === undefined) return undefined;
  const { name, sources, subjects, metadata } = config;
  const begunWith = Number(metadata?.[`${FACTS}from`]) || undefined;
  const isFed = (sources ?? []).length > 0 || (subjects ?? []).includes(sortedSubjects(name));
  return { name, division, createdAtMs: Date.parse(created), isFed, begunWith };
}

function factsOf({ sourceCreated, ...more }: Division, from: number | ""): Record<string, string> {
  const facts = { ...more, from, "source-created": sourceCreated };
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`${FACTS}${name}`, String(value)]));
}

function divisionIn(metadata: Readonly<Record<string, string>>): Division | undefined {
  const fact = (name: string) => metadata[`${FACTS}${name}`] ?? "";
  const key = keyIn(fact);
  const partitions = Number(fact("partitions"));
  if (key === undefined || fact("source") === "" || !(partitions > 0)) return undefined;
  return {
    ...key,
    subject: fact("subject"),
    source: fact("source"),
    sourceCreated: fact("source-created"),
    partitions,
  };
}

function keyIn(fact: (name: string) => string): MessageKey | undefined {
  if (fact("wildcard") !== "") return { wildcard: Number(fact("wildcard")) };
  if (fact("header") !== "") return { header: fact("header") };
  return fact("field") === "" ? undefined : { field: fact("field") };
}

export function isSameDivision(one: Division, other: Division): boolean {
  return isSameSource(one, other) && one.partitions === other.partitions && isSameKey(one, other);
}

function isSameKey(one: MessageKey, other: MessageKey): boolean {
  return messageKeyText(keyOf(one)) === messageKeyText(keyOf(other));
}

/** Without what else is said of a division. */
export function keyOf(division: MessageKey): MessageKey {
  if ("wildcard" in division) return { wildcard: division.wildcard };
  return "header" in division ? { header: division.header } : { field: division.field };
}

export function isSameSource(one: Division, other: Division): boolean {
  return one.source === other.source && one.sourceCreated === other.sourceCreated && one.subject === other.subject;
}

/** The subject that a copied message had. */
export function subjectBefore(subject: string): string {
  const { tokens } = isPutByUs(subject) ? BY_US : BY_SERVER;
  return subject.split(".").slice(tokens).join(".");
}

function isPutByUs(subject: string): boolean {
  return subject.startsWith(`${BY_US.place}.`);
}

/** What the handler claims, of the filter of one of its durables; undefined: it is no partition's. */
export function claimBefore(filter: string): string | undefined {
  return filter.startsWith(`${BY_SERVER.place}.`) || isPutByUs(filter) ? subjectBefore(filter) : undefined;
}

/** Its number in the stream it was copied from, by the header that the server has given it, or we. */
export function copiedNumber(headers: { get(name: string): string } | undefined): number | undefined {
  const mark = headers?.get(PUT_FROM) || headers?.get(COPIED_FROM);
  const number = Number(mark?.split(" ")[1]);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

/** As it stands in a copy that we make. */
export function headersOfCopy(pairs: Pairs, source: string, sequence: number): Pairs {
  const kept = pairs.map(([name, value]) => [isForStreams(name) ? `${PUT_ASIDE}${name}` : name, value] as const);
  return [...kept, [PUT_FROM, `${source} ${sequence}`]];
}

/** As it stood in the message that was copied. What it was put there with, its id there say, is not its own. */
export function headersBefore(pairs: Pairs): Pairs {
  const isOurs = pairs.some(([name]) => name === PUT_FROM);
  const kept = pairs.filter(([name]) => name !== PUT_FROM && name !== COPIED_FROM && !(isOurs && isForStreams(name)));
  return isOurs ? kept.map(([name, value]) => [withoutAside(name), value] as const) : kept;
}

function isForStreams(name: string): boolean {
  return name.toLowerCase().startsWith(FOR_STREAMS);
}

function withoutAside(name: string): string {
  const before = name.slice(PUT_ASIDE.length);
  return name.startsWith(PUT_ASIDE) && isForStreams(before) ? before : name;
}

/** The first number that some partition still needs; undefined: none does. Of all its durables. */
export function firstNeeded(durables: readonly Pick<ConsumerInfo, "num_pending" | "num_ack_pending" | "ack_floor">[]) {
  const needed = durables
    .filter(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending > 0)
    .map(({ ack_floor }) => ack_floor.stream_seq + 1);
  return needed.length === 0 ? undefined : Math.min(...needed);
}
