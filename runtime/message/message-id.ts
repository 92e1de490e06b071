// What messages are called. An id is made only of what cannot repeat.
//
// M1  A sequence repeats when a stream is made anew, or set back to an older copy: the time of storage tells the two apart.
// M2  A handler's name is another app's too: what an app writes under an id has the app in it.
// M3  Deliveries, redeliveries and redrives of one message have one id, and so has what each of their calls publishes.
// M4  A run that skips a call which an earlier run made must not have its next one taken for that: the subject is in it.

import type { Delivery } from "./delivery.ts";

type Counted = Pick<Delivery, "origin" | "seq" | "storedAtMs">;

/** @param idPrefix of the binding. @param storedAtMs undefined: no stream holds it, and its number is never used again */
export function messageIdOf(idPrefix: string, seq: number, storedAtMs: number | undefined): string {
  return storedAtMs === undefined ? `${idPrefix}${seq}` : `${idPrefix}${seq}:${storedAtMs}`;
}

/** Of a delivery, by the id prefixes of its binding. */
export function deliveryIdOf(idPrefixes: readonly string[], delivery: Counted): string {
  return messageIdOf(idPrefixes[delivery.origin ?? 0]!, delivery.seq, delivery.storedAtMs);
}

/** Of what a handler publishes while it handles a message: the call is the `count`th of its run. */
export function callIdOf(handler: string, messageId: string, count: number, subject: string): string {
  return `${handler}:${messageId}:${count}:${subject}`;
}

/** Of the message during which the call was made. */
export function callersMessageOf(callId: string, handler: string, subject: string): string {
  const rest = callId.slice(handler.length + 1, callId.length - subject.length - 1);
  return rest.slice(0, rest.lastIndexOf(":"));
}

/** Of the message of a planned time: the same, whichever replica publishes it, and whichever schedule of the handler's says so. */
export function scheduledIdOf(handler: string, subject: string, plannedMs: number): string {
  return `schedule:${handler}:${plannedMs}:${subject}`;
}

/** Of the message of a planned time of a schedule that a handler has made. @param token of its key */
export function timetableIdOf(token: string, target: string, plannedMs: number): string {
  return `timetable:${token}:${plannedMs}:${target}`;
}

/** As a stream gets it. Two handlers that both publish to the subject, also of two apps, never have the same. */
export function publishIdOf(app: string, callId: string): string {
  return `${app}:${callId}`;
}

/** The same for every try to keep a message's last failure. */
export function letterIdOf(app: string, handler: string, messageId: string): string {
  return `dlq:${app}:${handler}:${messageId}`;
}

/**
 * Of a stored message on its way to its handler again: sent twice, it is taken once.
 *
 * @param again what tells one replay from those before it; undefined: none is told apart
 */
export function replayIdOf(handler: string, messageId: string, again: string | undefined): string {
  return `replay:${handler}:${messageId}${again === undefined ? "" : `:${again}`}`;
}
