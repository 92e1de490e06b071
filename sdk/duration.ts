// Lengths of time as authors write them: a number and a unit.

/** A length of time: `"500ms"`, `"10s"`, `"5m"`, `"1.5h"`, `"7d"`. */
export type Duration = `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds, rounded to whole ones; undefined when the text is not a duration, is negative or is too large to count. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] as string] as number));
  return Number.isSafeInteger(ms) ? ms : undefined;
}
