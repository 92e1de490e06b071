// Which kept version is to serve first where a replica starts with a new one, so that the new one can be tried beside it.

import type { KeptVersion } from "./kept-version.ts";

/**
 * Pure; undefined: none. One that is kept has served before, and is not new; whether a new one is to be tried is known only when it
 * runs, so the version before must have asked for it too.
 *
 * @param own what the replica has
 * @param ledAwayFrom versions that nobody is to serve
 */
export function versionToServeFirst(
  kept: readonly KeptVersion[],
  own: string,
  ledAwayFrom: readonly string[],
): KeptVersion | undefined {
  if (kept.some(({ version }) => version === own)) return undefined;
  const before = kept.find(({ version }) => !ledAwayFrom.includes(version));
  return before?.metadata.canary === undefined ? undefined : before;
}
