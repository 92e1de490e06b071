// An error as a person reads it: what happened, the lines of code, what to do about it.

import { describeError, formatPlace, RuntimeError } from "../errors.ts";
import type { Paint } from "./paint.ts";

/**
 * The error as `describeError` tells it, coloured. Unknown errors are shown with their stack: they are faults of ours.
 *
 * A long message and its place stand on lines of their own.
 */
export function errorText(error: unknown, paint: Paint, columns = 80): string {
  if (!(error instanceof RuntimeError)) return describeError(error);
  const head = `${paint("red", error.code)}: ${error.message}`;
  const where = error.place === undefined ? "" : formatPlace(error.place);
  const fits = error.code.length + error.message.length + where.length + 5 <= columns;
  const told = error.message.includes(where) ? "" : fits ? ` (${paint("cyan", where)})` : `\n${paint("cyan", where)}`;
  return [where === "" ? head : head + told, error.frame, error.remedy && paint("dim", error.remedy)]
    .filter((part) => part !== undefined && part !== "")
    .join("\n");
}
