// What a handler publishes to or asks: a subject, or an event or request that has one.

import { publishSubjectProblem } from "../../sdk/subject.ts";
import { preview } from "../wire/serialize-error.ts";

export type Target = string | { readonly subject: string; readonly reply?: unknown };

/** Most handlers publish to one subject: what was found good last need not be looked at again. */
let goodSubject = "";

export function subjectOf(target: Target): string {
  if (typeof target === "string") return target;
  const subject: unknown = (target as { subject?: unknown } | null | undefined)?.subject;
  if (typeof subject === "string") return subject;
  throw new TypeError(
    `there is no subject in ${preview(target)}: a subject such as "orders.created", or an event, is needed first`,
  );
}

export function assertSubject(subject: string): void {
  if (subject === goodSubject) return;
  const problem = publishSubjectProblem(subject);
  if (problem !== undefined) throw new TypeError(`cannot publish to ${JSON.stringify(subject)}: ${problem}`);
  goodSubject = subject;
}
