// Dead letters that failed in the same way in one place: handler, reason, the author's line, and the message without what
// differs from one to the next. Pure.

import { createHash } from "node:crypto";
import type { LetterGroup, LetterRow } from "./answers.ts";

const KEY_CHARS = 12;
/** Ids, quoted values, numbers. */
const DIFFERING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "#"],
  [/"[^"\n]*"|'[^'\n]*'/g, '"…"'],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b/gi, "#"],
  [/\d+/g, "#"],
];

/** Its group's, which stands in addresses. */
export function groupKey({
  handler,
  reason,
  message,
  place,
}: Pick<LetterRow, "handler" | "reason" | "message" | "place">): string {
  const pattern = DIFFERING.reduce((text, [what, by]) => text.replace(what, by), message.slice(0, 500));
  const parts = JSON.stringify([handler, reason, place ?? "", pattern]);
  return createHash("sha256").update(parts).digest("base64url").slice(0, KEY_CHARS);
}

/** Most letters first. The newest of each speaks for it. */
export function groupsOf(newestFirst: readonly LetterRow[]): LetterGroup[] {
  const byKey = Map.groupBy(newestFirst, groupKey);
  const groups = [...byKey].map(([key, letters]): LetterGroup => {
    const { handler, reason, message, place } = letters[0]!;
    const times = letters.map(({ lastFailedAtMs }) => lastFailedAtMs);
    return {
      key,
      handler,
      reason,
      message,
      place,
      count: letters.length,
      firstAtMs: times.reduce((least, time) => Math.min(least, time)),
      lastAtMs: times.reduce((most, time) => Math.max(most, time)),
      versions: [...new Set(letters.flatMap(({ version }) => version ?? []))],
    };
  });
  return groups.sort((a, b) => b.count - a.count || b.lastAtMs - a.lastAtMs);
}
