// Runs stored messages through two versions of a handler, and says what the newer one would do differently. The older one
// runs twice, in two workers, so that each of the three meets every message once, and in the same order.

import type { Delivery } from "../message/delivery.ts";
import { claimsText } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type Compared, Comparison } from "./comparison.ts";
import { inLots } from "./lots.ts";
import { type LoadedVersion, loadVersion, type VersionRun, type VersionSource } from "./version-run.ts";

export interface ShadowOptions {
  readonly before: VersionSource;
  readonly after: VersionSource;
  /** What is run, once it is known what the newer version takes. A new delivery for each version is made of each. */
  readonly messages: (metadata: ResolvedMetadata) => Promise<ShadowMessages>;
  readonly onProgress: (done: number) => void;
}

export interface ShadowMessages {
  /** See message-id.ts. */
  readonly idPrefix: string;
  readonly all: AsyncIterable<() => Delivery>;
}

export interface Shadowed extends Compared {
  readonly versions: { readonly before: string; readonly after: string };
  readonly subjects: { readonly before: string; readonly after: string };
}

/** Rejects with a RuntimeError when a version does not come up, or the messages cannot be read. */
export async function shadow({ before, after, messages, onProgress }: ShadowOptions): Promise<Shadowed> {
  const loaded: LoadedVersion[] = [];
  const runs: VersionRun[] = [];
  try {
    // One after another: the first tells what a mistake is, and the machine may be small.
    for (const source of [after, before, before]) loaded.push(await loadVersion(source));
    const [newer, older] = [loaded[0]!, loaded[1]!];
    const { idPrefix, all } = await messages(newer.metadata);
    const comparison = new Comparison();
    let done = 0;
    for await (const lot of inLots(all)) {
      // Only now: where there is nothing to run, `setup` is not either.
      while (runs.length < loaded.length) runs.push(await loaded[runs.length]!.start(idPrefix));
      const [made, first, second] = [await runs[0]!.run(lot()), await runs[1]!.run(lot()), await runs[2]!.run(lot())];
      for (const [at, { seq }] of lot().entries()) comparison.add(seq, first[at]!, second[at]!, made[at]!);
      done += made.length;
      onProgress(done);
    }
    return {
      ...comparison.result(),
      versions: { before: older.version, after: newer.version },
      subjects: { before: claimsText(older.metadata.subjects), after: claimsText(newer.metadata.subjects) },
    };
  } finally {
    await Promise.all(runs.map((run) => run.end()));
    await Promise.all(loaded.slice(runs.length).map((version) => version.end()));
  }
}
