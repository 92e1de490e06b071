// A duration in the options of the kit.

import { parseDuration } from "../../sdk/duration.ts";

/** In milliseconds. Throws a TypeError that names the option. */
export function durationMs(option: string, text: string): number {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new TypeError(`${option} ${JSON.stringify(text)} is not a duration such as "5s"`);
  return parsed;
}
