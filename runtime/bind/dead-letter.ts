// A message given up on, as it is kept: the original bytes and headers, and headers of ours that say why.
//
// A1  Header values are ASCII: everything else, and `%`, is percent-encoded.
// A2  `Nats-*` headers are not kept: in a copy they would expire, deduplicate or purge.
// A3  A letter larger than the server takes loses its stack first, then its body: a stored message can be had from its
//     stream, and the letter says so.

import { headers as createHeaders, type MsgHdrs } from "@nats-io/transport-node";
import { decodeHeaders } from "../deliver/header-block.ts";
import type { OutcomeKind } from "../deliver/outcome.ts";
import { handlerTokens } from "./durable-name.ts";

export type DeadLetterReason = OutcomeKind | "attempts-used" | "expired";

/** Where the letter's payload is: in it, in the stream it came from, or nowhere. */
export type LetterBody = "here" | "in-stream" | "dropped";

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
  /** In all, those before a redrive included. */
  readonly attempts: number;
  readonly firstFailedAtMs: number | undefined;
  readonly lastFailedAtMs: number;
  readonly instance: string;
  /** How often it has been redriven before. */
  readonly redriven: number;
  /** Encoded headers of the message (deliver/header-block). */
  readonly headers: Uint8Array | undefined;
  readonly data: Uint8Array;
}

/** What a kept letter says; `headers` are the original ones. */
export type ReadLetter = Omit<DeadLetter, "headers" | "data" | "id"> & {
  readonly body: LetterBody;
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

export function redriveSubject(app: string, handler: string): string {
  return `redrive.${app}.${handlerTokens(handler)}`;
}

export interface EncodedLetter {
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
  readonly body: LetterBody;
}

/** A3. */
export function encodeLetter(letter: DeadLetter, maxPayloadBytes: number): EncodedLetter {
  const fits = ({ headers, data }: EncodedLetter) =>
    headerBytes(headers) + data.length + SPARE_BYTES <= maxPayloadBytes;
  const whole = encode(letter, "here");
  if (fits(whole)) return whole;
  const stackless = encode({ ...letter, stack: undefined }, "here");
  if (fits(stackless)) return stackless;
  const pointer = encode(letter, letter.stream === undefined ? "dropped" : "in-stream");
  return fits(pointer) ? pointer : encode({ ...letter, headers: undefined }, pointer.body);
}

function encode(letter: DeadLetter, body: LetterBody): EncodedLetter {
  const headers = createHeaders();
  for (const [name, value] of originalHeaders(letter.headers)) headers.append(name, value);
  for (const [name, value] of Object.entries(ownHeaders(letter, body))) {
    if (value !== undefined) headers.set(`${PREFIX}${name}`, asciiSafe(value));
  }
  return { headers, data: body === "here" ? letter.data : NO_BYTES, body };
}

function ownHeaders(letter: DeadLetter, body: LetterBody): Record<string, string | undefined> {
  return {
    Handler: letter.handler,
    Version: letter.version,
    Reason: letter.reason,
    Message: letter.message.slice(0, MAX_MESSAGE_CHARS),
    Stack: letter.stack?.slice(0, MAX_STACK_CHARS),
    Subject: letter.subject,
    Stream: letter.stream,
    Sequence: String(letter.sequence),
    Attempts: String(letter.attempts),
    "First-Failed-At": letter.firstFailedAtMs === undefined ? undefined : isoTime(letter.firstFailedAtMs),
    "Last-Failed-At": isoTime(letter.lastFailedAtMs),
    Instance: letter.instance,
    Redriven: letter.redriven === 0 ? undefined : String(letter.redriven),
    Body: body === "here" ? undefined : body,
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
    attempts: Number(get("Attempts") ?? 1),
    firstFailedAtMs: timeOf(get("First-Failed-At")),
    lastFailedAtMs: timeOf(get("Last-Failed-At")) ?? 0,
    instance: get("Instance") ?? "",
    redriven: Number(get("Redriven") ?? 0),
    body: (get("Body") ?? "here") as LetterBody,
    headers: [...ownersHeaders(headers)],
  };
}

/** The headers to redrive a kept letter with: the same, counted once more (A2). */
export function redriveHeaders(kept: MsgHdrs): MsgHdrs {
  const headers = createHeaders();
  for (const [name, values] of kept) {
    if (!isServers(name)) for (const value of values) headers.append(name, value);
  }
  const before = Number(kept.get(`${PREFIX}Redriven`)) || 0;
  headers.set(`${PREFIX}Redriven`, String(before + 1));
  return headers;
}

function* originalHeaders(block: Uint8Array | undefined): Generator<readonly [string, string]> {
  if (block === undefined) return;
  for (const pair of decodeHeaders(Buffer.from(block))) {
    if (!isServers(pair[0]) && !isOurs(pair[0])) yield pair;
  }
}

function* ownersHeaders(headers: MsgHdrs): Generator<readonly [string, string]> {
  for (const [name, values] of headers) {
    if (isServers(name) || isOurs(name)) continue;
    for (const value of values) yield [name, value];
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

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

function timeOf(text: string | undefined): number | undefined {
  const atMs = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(atMs) ? undefined : atMs;
}

function headerBytes(headers: MsgHdrs): number {
  let bytes = 64;
  for (const [name, values] of headers) {
    for (const value of values) bytes += name.length + Buffer.byteLength(value) + 4;
  }
  return bytes;
}
