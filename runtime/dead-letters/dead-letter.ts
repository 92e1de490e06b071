// A message given up on, as it is kept: the original bytes and headers, and headers of ours that say why.
//
// A1  Header values are ASCII: everything else, and `%`, is percent-encoded.
// A2  `Nats-*` headers are not kept: in a copy they would expire, deduplicate or purge. What they say of a key that is gone is
//     kept in the words of clients (message/change.ts).
// A3  A letter larger than the server takes is kept in parts: its payload, and if need be its headers, are messages of their
//     own (letter-parts.ts). Each was a part of one message that the server took, so each fits.

import { headers as createHeaders, type MsgHdrs } from "@nats-io/transport-node";
import { copiedMark } from "../message/change.ts";
import { REPLAYED_HEADER } from "../message/delivery.ts";
import { decodeHeaders } from "../message/header-block.ts";
import type { OutcomeKind } from "../message/outcome.ts";
import { headersAsRead } from "../nats/foreign-headers.ts";
import { earlierHandlerTokens, handlerTokens } from "../streams/durable-name.ts";

export type DeadLetterReason = OutcomeKind | "attempts-used" | "expired" | "unclaimed" | "not-published";

/**
 * Where the letter's payload is: in it, or in a message of its own. What is replayed, and letters of earlier versions: in the
 * stream it came from; of those also nowhere.
 */
export type LetterBody = "here" | "apart" | "in-stream" | "dropped";

/** Where in the dead-letter stream the parts are that are messages of their own. */
export interface PartPlaces {
  readonly payload?: number | undefined;
  readonly headers?: number | undefined;
}

export interface DeadLetter {
  /** The same for every try to keep this failure. */
  readonly id: string;
  readonly handler: string;
  /** The bundle that failed, where known. */
  readonly version: string | undefined;
  readonly reason: DeadLetterReason;
  readonly message: string;
  readonly stack: string | undefined;
  readonly subject: string;
  /** Undefined for core messages. */
  readonly stream: string | undefined;
  readonly sequence: number;
  /** When the stream took it, in milliseconds since the Unix epoch; undefined for core messages, and where it is not known. */
  readonly storedAtMs: number | undefined;
  /** In all, those before a redrive included. */
  readonly attempts: number;
  readonly firstFailedAtMs: number | undefined;
  readonly lastFailedAtMs: number;
  readonly instance: string;
  /** How often it has been redriven before. */
  readonly redriven: number;
  /** The subject of ours that it goes back to when it is sent again; undefined: that of the handler's redrives. */
  readonly returnTo?: string | undefined;
  /** Encoded headers of the message (deliver/header-block). */
  readonly headers: Uint8Array | undefined;
  readonly data: Uint8Array;
}

/** What a kept letter says; `headers` are the original ones. */
export type ReadLetter = Omit<DeadLetter, "headers" | "data" | "id"> & {
  readonly body: LetterBody;
  readonly parts: PartPlaces;
  readonly headers: readonly (readonly [string, string])[];
};

const PREFIX = "Dead-Letter-";
const MAX_STACK_CHARS = 8_192;
const MAX_MESSAGE_CHARS = 2_048;
const NO_BYTES = new Uint8Array(0);
/** Subject, reply and protocol beside headers and payload. */
const SPARE_BYTES = 512;

export function letterSubject(app: string, handler: string): string {
  return `dlq.${app}.${handlerTokens(handler)}`;
}

/** Where letters of the handler may be that were kept before names were one to one; another's may be there too. */
export function earlierLetterSubject(app: string, handler: string): string {
  return `dlq.${app}.${earlierHandlerTokens(handler)}`;
}

/** Beside the letters, so that nobody takes a part for one. */
export function partSubject(app: string, handler: string): string {
  return `dlq.${app}.$part.${handlerTokens(handler)}`;
}

export function redriveSubject(app: string, handler: string): string {
  return `redrive.${app}.${handlerTokens(handler)}`;
}

export interface EncodedLetter {
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
  /** What has to be stored before, each as a message of its own without headers. */
  readonly apart: { readonly payload?: Uint8Array; readonly headers?: Uint8Array };
}

/** A3. Where the parts are is to be added with `locateParts`. */
export function encodeLetter(letter: DeadLetter, maxPayloadBytes: number): EncodedLetter {
  const fits = (encoded: EncodedLetter) => fitsIn(maxPayloadBytes, encoded);
  const { data: payload, headers } = letter;
  const whole = { headers: withOwn(letter, originalHeaders(headers)), data: payload, apart: {} };
  if (fits(whole)) return whole;
  const bodiless = { headers: whole.headers, data: NO_BYTES, apart: { payload } };
  if (fits(bodiless)) return bodiless;
  const apart = headers === undefined ? { payload } : { payload, headers };
  const bare = { headers: withOwn(letter, []), data: NO_BYTES, apart };
  return fits(bare) ? bare : { ...bare, headers: withOwn({ ...letter, stack: undefined }, []) };
}

/** A stored message that goes to its handler again. */
export interface ReplayedMessage {
  readonly handler: string;
  readonly subject: string;
  readonly stream: string;
  readonly sequence: number;
  readonly storedAtMs: number;
  /** When the replay began. */
  readonly replayedAtMs: number;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/**
 * In the form in which letters come back to handlers, though none has failed it. What is too large with our headers stays
 * in its stream, and its handler reads it there. Undefined: there is no room for the headers.
 */
export function encodeReplay(
  message: ReplayedMessage,
  maxPayloadBytes: number,
): Pick<EncodedLetter, "headers" | "data"> | undefined {
  const { handler, subject, stream, sequence, storedAtMs, replayedAtMs, data } = message;
  const original = [...ownersHeaders(message.headers ?? createHeaders())];
  const kept = original.filter(([name]) => name.toLowerCase() !== REPLAYED_HEADER.toLowerCase());
  const marked = [...kept, [REPLAYED_HEADER, isoTime(replayedAtMs)] as const];
  const place = { Stream: stream, Sequence: String(sequence), "Stored-At": isoTime(storedAtMs) };
  const fields = { Handler: handler, Subject: subject, ...place, Attempts: "0" };
  const whole = { headers: withFields(marked, fields), data };
  if (fitsIn(maxPayloadBytes, whole)) return whole;
  const elsewhere = { headers: withFields(marked, { ...fields, Body: "in-stream" }), data: NO_BYTES };
  return fitsIn(maxPayloadBytes, elsewhere) ? elsewhere : undefined;
}

/** Write down where the parts of the letter are. */
export function locateParts(headers: MsgHdrs, { payload, headers: block }: PartPlaces): void {
  if (payload !== undefined) headers.set(`${PREFIX}Body`, "apart" satisfies LetterBody);
  if (payload !== undefined) headers.set(`${PREFIX}Body-At`, String(payload));
  if (block !== undefined) headers.set(`${PREFIX}Headers-At`, String(block));
}

/** What a letter says of its message, without the message. */
export function lettersOwnHeaders(letter: DeadLetter): MsgHdrs {
  return withOwn(letter, []);
}

function withOwn(letter: DeadLetter, original: Iterable<readonly [string, string]>): MsgHdrs {
  return withFields(original, ownHeaders(letter));
}

function withFields(
  original: Iterable<readonly [string, string]>,
  fields: Readonly<Record<string, string | undefined>>,
): MsgHdrs {
  const headers = headersAsRead(original);
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) headers.set(`${PREFIX}${name}`, asciiSafe(value));
  }
  return headers;
}

function ownHeaders(letter: DeadLetter): Record<string, string | undefined> {
  return {
    Handler: letter.handler,
    Version: letter.version,
    Reason: letter.reason,
    Message: letter.message.slice(0, MAX_MESSAGE_CHARS),
    Stack: letter.stack?.slice(0, MAX_STACK_CHARS),
    Subject: letter.subject,
    Stream: letter.stream,
    Sequence: String(letter.sequence),
    "Stored-At": letter.storedAtMs === undefined ? undefined : isoTime(letter.storedAtMs),
    Attempts: String(letter.attempts),
    "First-Failed-At": letter.firstFailedAtMs === undefined ? undefined : isoTime(letter.firstFailedAtMs),
    "Last-Failed-At": isoTime(letter.lastFailedAtMs),
    Instance: letter.instance,
    Redriven: letter.redriven === 0 ? undefined : String(letter.redriven),
    "Return-To": letter.returnTo,
  };
}

/** The letter in a stored or redriven message's headers; undefined when it is none. */
export function readLetter(headers: MsgHdrs | undefined): ReadLetter | undefined {
  const get = (name: string) => {
    const value = headers?.get(`${PREFIX}${name}`) ?? "";
    return value === "" ? undefined : decoded(value);
  };
  const handler = get("Handler");
  if (headers === undefined || handler === undefined) return undefined;
  return {
    handler,
    version: get("Version"),
    reason: (get("Reason") ?? "threw") as DeadLetterReason,
    message: get("Message") ?? "",
    stack: get("Stack"),
    subject: get("Subject") ?? "",
    stream: get("Stream"),
    sequence: Number(get("Sequence") ?? 0),
    storedAtMs: timeOf(get("Stored-At")),
    attempts: Number(get("Attempts") ?? 1),
    firstFailedAtMs: timeOf(get("First-Failed-At")),
    lastFailedAtMs: timeOf(get("Last-Failed-At")) ?? 0,
    instance: get("Instance") ?? "",
    redriven: Number(get("Redriven") ?? 0),
    returnTo: get("Return-To"),
    body: (get("Body") ?? "here") as LetterBody,
    parts: { payload: numberOf(get("Body-At")), headers: numberOf(get("Headers-At")) },
    headers: [...ownersHeaders(headers)],
  };
}

/** The headers to redrive a kept letter with: the same, counted once more (A2). */
export function redriveHeaders(kept: MsgHdrs): MsgHdrs {
  const own = [...kept].filter(([name]) => !isServers(name));
  const headers = headersAsRead(own.flatMap(([name, values]) => values.map((value) => [name, value] as const)));
  const before = Number(kept.get(`${PREFIX}Redriven`)) || 0;
  headers.set(`${PREFIX}Redriven`, String(before + 1));
  return headers;
}

/** The same, for a payload that is another one and lies in the message itself. */
export function mendedHeaders(kept: MsgHdrs): MsgHdrs {
  const headers = redriveHeaders(kept);
  for (const name of ["Body", "Body-At"]) headers.delete(`${PREFIX}${name}`);
  return headers;
}

/** Headers as they were kept, without those that are not the message's own (A2). */
export function* originalHeaders(block: Uint8Array | undefined): Generator<readonly [string, string]> {
  if (block === undefined) return;
  for (const pair of decodeHeaders(Buffer.from(block))) {
    const kept = isOriginal(pair[0]) ? pair : copiedMark(...pair);
    if (kept !== undefined) yield kept;
  }
}

/** Whether a header is the message's own (A2). */
export function isOriginal(name: string): boolean {
  return !isServers(name) && !isOurs(name);
}

function* ownersHeaders(headers: MsgHdrs): Generator<readonly [string, string]> {
  for (const [name, values] of headers) {
    for (const value of values) {
      const kept = isOriginal(name) ? ([name, value] as const) : copiedMark(name, value);
      if (kept !== undefined) yield kept;
    }
  }
}

function isServers(name: string): boolean {
  return /^nats-/i.test(name);
}

function isOurs(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** A1: also spaces at the ends, which a header loses. */
export function asciiSafe(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x7e]|%|^ | $/gu, (char) => encodeURIComponent(char));
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // Written by somebody else: shown as it is.
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

function timeOf(text: string | undefined): number | undefined {
  const atMs = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(atMs) ? undefined : atMs;
}

function fitsIn(maxPayloadBytes: number, { headers, data }: Pick<EncodedLetter, "headers" | "data">): boolean {
  return headerBytes(headers) + data.length + SPARE_BYTES <= maxPayloadBytes;
}

function headerBytes(headers: MsgHdrs): number {
  let bytes = 64;
  for (const [name, values] of headers) {
    for (const value of values) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 4;
  }
  return bytes;
}
