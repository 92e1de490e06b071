// Which messages a handler lets pass unrun: those for which `when` in its metadata gives false.

import type { RunOutcome } from "./run-outcome.ts";

/** Of the content as it came, and of what is known of the message: the context, of which authors see a part. */
export type MessageFilter = (event: unknown, message: unknown) => unknown;

export const FILTERED: RunOutcome = { kind: "filtered" };

/** Throws what the filter throws, and a TypeError for what it must not give: anything would be true or false by chance. */
export function isWanted(when: MessageFilter, event: unknown, message: unknown): boolean {
  const wanted = when(event, message);
  if (typeof wanted === "boolean") return wanted;
  const what = wanted instanceof Promise ? "a promise" : wanted === null ? "null" : typeof wanted;
  throw new TypeError(`metadata.when must give true or false, but gave ${what}`);
}
