// Remembers, beside the cached nats-servers, that a release could not be had, so that where an older server is at hand not
// every start waits for a network that is not there.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Failed } from "./server-probe.ts";

const AGAIN_AFTER_MS = 3_600_000;

export interface MissedRelease {
  /** Why it could not be had within the last hour, or undefined when it is to be tried. Never rejects. */
  lately(): Promise<Failed | undefined>;
  /** Never rejects. */
  note(failed: Failed): Promise<void>;
}

export function missedRelease(folder: string, version: string, clock: Clock): MissedRelease {
  const file = join(folder, `.missed-v${version}.json`);
  return {
    async lately() {
      try {
        const { why, atMs } = JSON.parse(await readFile(file, "utf8")) as { why: string; atMs: number };
        const agoMs = clock.nowMs() - atMs;
        if (!(agoMs >= 0 && agoMs < AGAIN_AFTER_MS)) return undefined;
        return { kind: "failed", why: `${why} (${Math.floor(agoMs / 60_000)} min ago; tried again after an hour)` };
      } catch {
        return undefined; // never missed, or half written: it is tried
      }
    },
    async note({ why }) {
      // Where it cannot be kept, the next start tries again.
      await writeFile(file, JSON.stringify({ why, atMs: clock.nowMs() })).catch(() => {});
    },
  };
}
