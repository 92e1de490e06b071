// What is told of a handler that an operator has rolled back.

import type { ReportedHandler } from "../control/control-protocol.ts";
import { spanText } from "../terminal/time-text.ts";

/** Empty where nobody has. */
export function rollbackTexts(
  { rollback, ownVersion, version }: Pick<ReportedHandler, "rollback" | "ownVersion" | "version">,
  nowMs: number,
): string[] {
  if (rollback === undefined) return [];
  const { to, by, reason, sinceMs } = rollback;
  const from = ownVersion === undefined ? "" : ` from ${ownVersion}`;
  const missing = version === to ? "" : ", which does not serve";
  const why = reason === "" ? "" : `: ${reason}`;
  return [`rolled back${from} to ${to}${missing} by ${by} ${spanText(nowMs - sinceMs)} ago${why}`];
}
