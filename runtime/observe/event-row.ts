// What the logs need to know of one kind of event. Every kind has one row (event-rows.ts).

import type { LogLevel, RuntimeEvent } from "../events.ts";
import type { LiveView } from "./live-text.ts";

export type EventOf<T extends RuntimeEvent["type"]> = Extract<RuntimeEvent, { type: T }>;

export type Fields = Readonly<Record<string, unknown>>;

export interface EventRow<E> {
  readonly level: LogLevel | ((event: E) => LogLevel);
  /** The message of its JSON line. */
  readonly message: (event: E) => string;
  /** The other fields of its JSON line; not given: those of the event. */
  readonly fields?: (event: E) => Fields;
  /** Its text in the live log, without a line end. */
  readonly text: (event: E, view: LiveView) => string;
}

/** A row for each of these kinds. */
export type EventRows<T extends RuntimeEvent["type"]> = { readonly [Type in T]: EventRow<EventOf<Type>> };
