// The packets in which the NATS transport of NestJS wraps what it sends, as JSON.
//
// Source: the published code of @nestjs/microservices 12.1: client/client-nats.js, server/server-nats.js, server/server.js and
// the deserializers.
//
// | who writes                | packet                                                    |
// | client.emit               | { pattern, data }                                         |
// | client.send               | { pattern, data, id }                                     |
// | a reply                   | { response, isDisposed: true, id }                        |
// | a streamed reply          | { response, id } for each value, then { isDisposed: true, id } |
// | a reply that is an error  | { err, isDisposed: true, id }                             |
//
// N1  What has neither `pattern` nor `data` is no packet: so Nest's own server tells them apart.
// N2  An error of ours carries no id. A Nest client listens for each request on an inbox of its own, and takes a reply
//     without an id; so whoever fails a message need not have read it.

import { type ErrorDetails, errorDetails } from "./error-body.ts";

/** `id` is undefined where nobody waits for a reply. */
export interface OpenedPacket {
  readonly data: unknown;
  readonly id: unknown;
}

export type ReadReply =
  | { readonly kind: "response"; readonly value: unknown }
  | { readonly kind: "error"; readonly err: unknown }
  | { readonly kind: "foreign" };

/** N1: undefined for what is no packet. */
export function openPacket(value: unknown): OpenedPacket | undefined {
  const { pattern, data, id } = fieldsOf(value);
  return pattern === undefined && data === undefined ? undefined : { data, id };
}

/** What `emit` sends, or with an id `send`. */
export function callPacket(subject: string, data: unknown, id?: string): object {
  return { pattern: subject, data, ...(id === undefined ? {} : { id }) };
}

/** One value of a streamed reply. */
export function valuePacket(id: unknown, response: unknown): object {
  return { response, id };
}

/** The whole reply. */
export function replyPacket(id: unknown, response: unknown): object {
  return { response, isDisposed: true, id };
}

/** The reply is over, and has no value (any more). */
export function lastPacket(id: unknown): object {
  return { isDisposed: true, id };
}

/**
 * N2. A Nest caller gets `err` as what its `send` fails with.
 *
 * @param thrown JSON of what the author has thrown for the caller; undefined: code and message say it
 */
export function errorPacket(thrown: string | undefined, ...details: ErrorDetails): string {
  return `{"err":${thrown ?? JSON.stringify(errorDetails(...details))},"isDisposed":true}`;
}

/** As Nest's client reads a reply. */
export function readReply(value: unknown): ReadReply {
  const { err, response, isDisposed } = fieldsOf(value);
  if (err) return { kind: "error", err };
  return response === undefined && isDisposed === undefined
    ? { kind: "foreign" }
    : { kind: "response", value: response };
}

/**
 * What the caller is to get of an error like Nest's `RpcException`, which carries that beside its message, as JSON. Undefined
 * for any other error, and for what JSON cannot carry. Never throws.
 */
export function thrownForCaller(thrown: unknown): string | undefined {
  try {
    const { getError } = thrown as { getError?: unknown };
    if (typeof getError !== "function") return undefined;
    const error: unknown = getError.call(thrown);
    const isObject = typeof error === "object" && error !== null;
    return JSON.stringify(isObject ? error : { status: "error", message: error });
  } catch {
    return undefined; // The error itself is told as any other is.
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
