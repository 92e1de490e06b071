// Which version a handler is rolled back to, and from which. Pure.

import { noRuntime } from "../control/client.ts";
import type { ReportedHandler, StatusReply } from "../control/control-protocol.ts";
import { RuntimeError } from "../errors.ts";
import { keptRemedy, keptVersion } from "../versions/kept-programs.ts";
import { type KeptVersion, versionBefore } from "../versions/kept-version.ts";

export interface PlannedRollback {
  readonly to: string;
  /** What replicas have of their own; empty: all of them have `to`, and need no rollback. */
  readonly from: readonly string[];
}

/**
 * Throws NATS_UNREACHABLE when no replica answers, VERSION_NOT_KEPT when there is no such version.
 *
 * @param word the version, or how it begins; undefined: the one before that which serves
 */
export function planRollback(
  app: string,
  handler: string,
  word: string | undefined,
  replies: readonly StatusReply[],
  kept: readonly KeptVersion[],
): PlannedRollback {
  if (replies.length === 0) throw noRuntime(app);
  const here = replies.flatMap(({ handlers }) => handlers.filter(({ name }) => name === handler));
  const own = [...new Set(here.flatMap((one) => ownVersionOf(one) ?? []))];
  const to = word === undefined ? before(handler, here, kept) : meant(handler, word, own, kept);
  return { to, from: own.filter((version) => version !== to) };
}

/** What the replica would serve by itself; undefined: it has built nothing yet. */
export function ownVersionOf({ ownVersion, version }: ReportedHandler): string | undefined {
  return ownVersion ?? version;
}

function before(handler: string, here: readonly ReportedHandler[], kept: readonly KeptVersion[]): string {
  const serving = [...new Set(here.flatMap((one) => one.version ?? one.ownVersion ?? []))];
  const found = serving.length === 0 ? undefined : versionBefore(kept, serving);
  if (found !== undefined) return found.version;
  const which = serving.length === 0 ? "the one that would serve" : serving.join(", ");
  throw new RuntimeError("VERSION_NOT_KEPT", `no version of handler "${handler}" is kept from before ${which}`, {
    handler,
    remedy: keptRemedy(kept),
  });
}

/** Replicas need not have kept what they serve. */
function meant(handler: string, word: string, own: readonly string[], kept: readonly KeptVersion[]): string {
  const mine = own.filter((version) => version.startsWith(word));
  const others = kept.filter(({ version }) => version.startsWith(word) && !mine.includes(version));
  if (mine.length === 1 && others.length === 0) return mine[0]!;
  return keptVersion(handler, word, kept).version;
}
