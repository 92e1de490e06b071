// Subjects: which a handler may take, and which messages a pattern takes. Called for every message: no tokens are split off.

export { hasWildcards, publishSubjectProblem, subjectProblem as validateSubject } from "../../sdk/subject.ts";

const DOT = 46;
const STAR = 42;
const REST = 62;
const NO_WILDCARDS: readonly string[] = Object.freeze([]);

/** Whether a message published to `subject` reaches a subscription to `pattern`. Both must be valid. */
export function matches(pattern: string, subject: string): boolean {
  let at = 0;
  for (let index = 0; index < pattern.length; ) {
    if (at >= subject.length) return false;
    const code = pattern.charCodeAt(index);
    if (code === REST && isWholeToken(pattern, index)) return true;
    if (code === STAR && isWholeToken(pattern, index)) {
      at = tokenEnd(subject, at);
      index += 1;
      if (index === pattern.length) return at === subject.length;
      continue;
    }
    if (code !== subject.charCodeAt(at)) return false;
    index += 1;
    at += 1;
  }
  return at === subject.length;
}

export function firstTokenOf(subject: string): string {
  const end = tokenEnd(subject, 0);
  return end === subject.length ? subject : subject.slice(0, end);
}

/** Whether there is a subject that both patterns take. Both must be valid. */
export function overlaps(a: string, b: string): boolean {
  let atA = 0;
  let atB = 0;
  while (atA <= a.length && atB <= b.length) {
    const endA = tokenEnd(a, atA);
    const endB = tokenEnd(b, atB);
    if (isToken(a, atA, endA, REST) || isToken(b, atB, endB, REST)) return true;
    const wild = isToken(a, atA, endA, STAR) || isToken(b, atB, endB, STAR);
    if (!wild && !(endA - atA === endB - atB && a.startsWith(b.slice(atB, endB), atA))) return false;
    atA = endA + 1;
    atB = endB + 1;
  }
  return atA > a.length && atB > b.length;
}

/**
 * What stands in `subject` for each wildcard of `pattern`, in order; a `>` gives the rest, dots included, as one string.
 * The pattern must match the subject.
 */
export function wildcardsOf(pattern: string, subject: string): readonly string[] {
  let found: string[] | undefined;
  let at = 0;
  for (let index = 0; index < pattern.length && at <= subject.length; ) {
    const patternEnd = tokenEnd(pattern, index);
    const end = tokenEnd(subject, at);
    if (isToken(pattern, index, patternEnd, REST)) {
      found ??= [];
      found.push(subject.slice(at));
      return found;
    }
    if (isToken(pattern, index, patternEnd, STAR)) {
      found ??= [];
      found.push(subject.slice(at, end));
    }
    index = patternEnd + 1;
    at = end + 1;
  }
  return found ?? NO_WILDCARDS;
}

/** Index just past the token that starts at `start`: of its dot, or of the end. */
function tokenEnd(subject: string, start: number): number {
  const dot = subject.indexOf(".", start);
  return dot === -1 ? subject.length : dot;
}

function isToken(subject: string, start: number, end: number, code: number): boolean {
  return end - start === 1 && subject.charCodeAt(start) === code;
}

function isWholeToken(pattern: string, index: number): boolean {
  const startsToken = index === 0 || pattern.charCodeAt(index - 1) === DOT;
  return startsToken && (index + 1 === pattern.length || pattern.charCodeAt(index + 1) === DOT);
}
