// Which subjects a handler claims: whoever asks who takes a message asks this, and reads no subject himself.

import { matches } from "./subject.ts";

/** What says so: metadata, a status, what a replica reports. */
interface Claiming {
  /** Undefined: no version has said it yet. */
  readonly subjects?: readonly string[] | undefined;
  /** Of a replica that knows one for each handler only. */
  readonly subject?: string | undefined;
}

/** Valid subjects, wildcards allowed, of which no two overlap; none where nothing is known. */
export function claims({ subjects, subject }: Claiming): readonly string[] {
  return subjects ?? (subject === undefined ? [] : [subject]);
}

/** That of them under which a message comes; undefined: it is none of theirs. */
export function claimOn(subjects: readonly string[], subject: string): string | undefined {
  for (const claim of subjects) if (claim === subject || matches(claim, subject)) return claim;
  return undefined;
}

/** For people: `todo.new, todo.done`. */
export function claimsText(subjects: readonly string[]): string {
  return subjects.join(", ");
}

/** For people, in a sentence: `"todo.new", "todo.done"`. */
export function quotedClaims(subjects: readonly string[]): string {
  return subjects.map((subject) => `"${subject}"`).join(", ");
}
