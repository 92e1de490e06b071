// What a subject may look like: tokens of printable ASCII joined by dots; `*` stands for one token, a last `>` for the rest.

/** Longest subject accepted, in characters: leaves room for the queue group on a NATS control line of 4,096. */
const MAX_SUBJECT_LENGTH = 1024;

/** True when a whole token of the subject is `*` or its last token is `>`. */
export function hasWildcards(subject: string): boolean {
  return /(?:^|\.)(?:\*(?:\.|$)|>$)/.test(subject);
}

/**
 * What is wrong with the subject, as the end of a sentence ("must not ..."), or undefined when a handler may take it.
 * Refused beside what NATS refuses: subjects that start with `$` (the server's own), and subjects of nothing but
 * wildcards, which would hear every inbox too.
 */
export function subjectProblem(subject: string): string | undefined {
  if (subject === "") return "must not be empty";
  if (subject.length > MAX_SUBJECT_LENGTH) return `must not be longer than ${MAX_SUBJECT_LENGTH} characters`;
  if (!/^[\x21-\x7e]*$/.test(subject)) return "must have no spaces, control characters or non-ASCII characters";
  if (subject.startsWith("$")) return 'must not start with "$": such subjects belong to the NATS server';
  const tokens = subject.split(".");
  if (tokens.includes("")) return "must not have an empty token (a dot at an end, or two together)";
  const mixed = tokens.find((token) => token.length > 1 && /[*>]/.test(token));
  if (mixed !== undefined) return `must have its wildcards stand alone between dots, unlike "${mixed}"`;
  if (tokens.slice(0, -1).includes(">")) return 'may have ">" only as its last token';
  if (tokens.every((token) => token === "*" || token === ">")) {
    return 'must have at least one token that is no wildcard, as "orders.>" has';
  }
  return undefined;
}

/** As `subjectProblem`, for a subject to publish to: wildcards are refused too. */
export function publishSubjectProblem(subject: string): string | undefined {
  return hasWildcards(subject)
    ? "must have no wildcards: a message is published to one subject"
    : subjectProblem(subject);
}
