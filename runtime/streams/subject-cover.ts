// Which subjects a stream's subjects take. Patterns on both sides, so `matches` (for literal subjects) does not do.

/** Whether everything that `subject` can stand for is taken by `pattern`. Both must be valid. */
export function covers(pattern: string, subject: string): boolean {
  const wide = pattern.split(".");
  const narrow = subject.split(".");
  for (let at = 0; at < wide.length; at++) {
    const token = narrow[at];
    if (token === undefined) return false;
    if (wide[at] === ">") return true;
    if (token === ">") return false;
    if (wide[at] !== "*" && wide[at] !== token) return false;
  }
  return wide.length === narrow.length;
}

export function coveredBy(patterns: readonly string[], subject: string): boolean {
  return patterns.some((pattern) => covers(pattern, subject));
}

/** The patterns with `subject` added, without those that it makes superfluous. Never takes less than before. */
export function widened(patterns: readonly string[], subject: string): string[] {
  if (coveredBy(patterns, subject)) return [...patterns];
  return [...patterns.filter((pattern) => !covers(subject, pattern)), subject];
}
