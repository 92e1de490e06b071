// One message through the versions that are kept of its handler, newest first: which of them began to fail it.
//
// B1  Once one does not fail it, older ones are not run: what began to fail it is the last one before that failed.
// B2  A version that cannot be run, as what it needs is gone, says nothing, and is passed over.

import { streamIdPrefix } from "../bind/stream-settler.ts";
import type { Delivery } from "../message/delivery.ts";
import { passes } from "./try-letters.ts";
import { loadVersion, type VersionSource } from "./version-run.ts";

export interface VersionTried {
  readonly version: string;
  /** How the run ended: `returned`, `threw`, ...; `not-run`: see B2. */
  readonly outcome: string;
  /** Why; empty when it did not fail. */
  readonly error: string;
}

export interface Bisected {
  /** Newest first. */
  readonly tried: readonly VersionTried[];
  /** The version that began to fail it; undefined: the newest does not fail it, or all that are kept do. */
  readonly began: string | undefined;
  /** The newest of those before it that does not fail it. */
  readonly lastGood: string | undefined;
}

/** @param run never rejects for what is wrong with the version: that is `not-run` */
export async function bisect(
  versions: readonly string[],
  run: (version: string) => Promise<VersionTried>,
): Promise<Bisected> {
  const tried: VersionTried[] = [];
  let failing: string | undefined;
  for (const version of versions) {
    const one = await run(version);
    tried.push(one);
    if (one.outcome === "not-run") continue; // B2
    if (passes(one.outcome)) return { tried, began: failing, lastGood: version }; // B1
    failing = version;
  }
  return { tried, began: undefined, lastGood: undefined };
}

/**
 * One message, as the version's handler would get it. Rejects with a RuntimeError when the version does not come up.
 *
 * @param stream where it is stored; undefined: it was in none
 */
export async function runOne(
  source: VersionSource,
  delivery: Delivery,
  stream: string | undefined,
): Promise<Omit<VersionTried, "version">> {
  const loaded = await loadVersion(source);
  const run = await loaded.start(stream === undefined ? "letter:" : streamIdPrefix(stream, loaded.metadata.domain));
  try {
    const [seen] = await run.run([delivery]);
    return { outcome: seen!.outcome, error: seen!.error };
  } finally {
    await run.end();
  }
}
