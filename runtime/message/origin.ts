// Which deliveries are of one message, and which call of a handler published it: by what the message itself says.
//
// O1  A message that a handler published, or the page, is called by that call: the header says so while somebody watches,
//     and the id under which a stream stored it always does.
// O2  Any other is called by its publisher's id or its place in a stream; without a stream by its trace context, as several
//     handlers may get it, each under an id of its own.

import type { HeaderPairs } from "./header-block.ts";
import { traceIdOf } from "./trace-context.ts";

/** Put on what handlers publish while somebody watches: the id of the call. */
export const CAUSE_HEADER = "Handlers-Cause";

export interface Arrived {
  readonly app: string;
  readonly subject: string;
  readonly headers: HeaderPairs;
  /** Of the delivery. */
  readonly id: string;
  readonly isStored: boolean;
}

/** What a message is called, wherever it is met. */
export function originOf({ app, subject, headers, id, isStored }: Arrived): string {
  const cause = lastOf(headers, "handlers-cause");
  if (cause !== undefined) return cause;
  const given = lastOf(headers, "nats-msg-id");
  if (given?.startsWith(`${app}:`)) return given.slice(app.length + 1);
  if (given !== undefined) return `${given} ${subject}`;
  const parent = lastOf(headers, "traceparent");
  return !isStored && traceIdOf(parent) !== undefined ? `${parent} ${subject}` : id;
}

function lastOf(headers: HeaderPairs, wanted: string): string | undefined {
  return headers.findLast(([name]) => name.toLowerCase() === wanted)?.[1] || undefined;
}
