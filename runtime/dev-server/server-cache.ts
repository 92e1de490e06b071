// Where fetched nats-servers are kept for all projects of a user, filled safely by several processes at once: each works in
// a temporary folder of its own and moves the proven binary into its place in one step.

import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { type CacheFolder, isTrusted, whyUnusable } from "./cache-folder.ts";
import type { Failed, Probe, ProbeBinary } from "./server-probe.ts";
import { compareVersions, isOlder } from "./version-order.ts";

export interface CacheOptions {
  /** Read all of them; the first that can be written is filled. */
  readonly folders: readonly CacheFolder[];
  readonly probe: ProbeBinary;
  readonly clock: Clock;
}

export interface ServerCache {
  /** The newest usable binary that is not older than `atLeast`. */
  read(atLeast?: string): Promise<Probe>;
  /** Have a binary made in a temporary folder, prove it, and move it into its place in one step. */
  fill(make: (workDir: string) => Promise<Made>): Promise<Probe>;
  /** The folder that `fill` uses. */
  place(): Promise<Place>;
}

export type Made = { readonly kind: "unpacked"; readonly path: string } | Failed;
export type Place = { readonly kind: "ready"; readonly folder: string } | Failed;

/** Shared by all projects of the user: `<cache folder>/nats-server/v<version>/nats-server`. */
export function serverCache({ folders, probe, clock }: CacheOptions): ServerCache {
  async function read(atLeast = "0.0.0"): Promise<Probe> {
    const kept = (await Promise.all(folders.map(versionsIn))).flat();
    kept.sort((a, b) => compareVersions(b.version, a.version));
    let why = `none in ${folders.map(({ path }) => serversIn(path)).join(" or ")}`;
    for (const { version, folder } of kept) {
      if (isOlder(version, atLeast)) return { kind: "failed", why: `v${version} is older than v${atLeast}` };
      const found = await probe(join(folder, "nats-server"));
      if (found.kind === "usable") return found;
      why = found.why;
      // Made anew by the next fill; where nothing can be written, it is passed over each time.
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
    return { kind: "failed", why };
  }

  async function place(): Promise<Place> {
    const reasons: string[] = [];
    for (const folder of folders) {
      const why = await whyUnusable(folder);
      if (why === undefined) return { kind: "ready", folder: serversIn(folder.path) };
      reasons.push(why);
    }
    return { kind: "failed", why: reasons.join("; ") };
  }

  async function fill(make: (workDir: string) => Promise<Made>): Promise<Probe> {
    let workDir: string | undefined;
    try {
      const chosen = await place();
      if (chosen.kind === "failed") return chosen;
      const { folder } = chosen;
      await mkdir(folder, { recursive: true });
      await removeAbandoned(folder, clock.nowMs());
      workDir = await mkdtemp(join(folder, TEMPORARY));
      const made = await make(workDir);
      return made.kind === "failed" ? made : await moveIn(folder, workDir, made.path);
    } catch (error) {
      return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
    } finally {
      if (workDir !== undefined) await rm(workDir, { recursive: true, force: true });
    }
  }

  async function moveIn(folder: string, workDir: string, made: string): Promise<Probe> {
    await chmod(made, 0o755);
    const proof = await probe(made);
    if (proof.kind === "failed") return proof;
    const { version } = proof.binary;
    const ready = join(workDir, "ready");
    await mkdir(ready);
    await rename(made, join(ready, "nats-server"));
    // Fails when another process was first. Nothing is lost: its binary is proven like this one, and is used below.
    await rename(ready, join(folder, `v${version}`)).catch(() => {});
    return probe(join(folder, `v${version}`, "nats-server"));
  }

  return { read, fill, place };
}

interface Kept {
  readonly version: string;
  readonly folder: string;
}

async function versionsIn(folder: CacheFolder): Promise<Kept[]> {
  if (!(await isTrusted(folder))) return [];
  const root = serversIn(folder.path);
  const names = await readdir(root).catch(() => []); // no cache yet
  return names
    .filter((name) => /^v\d+\.\d+\.\d+$/.test(name))
    .map((name) => ({ version: name.slice(1), folder: join(root, name) }));
}

function serversIn(cacheFolder: string): string {
  return join(cacheFolder, "nats-server");
}

const TEMPORARY = ".filling-";
const ABANDONED_MS = 3_600_000;

/** Folders left by processes that were killed while they filled the cache. */
async function removeAbandoned(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: nowMs })); // removed by its owner just now
    if (nowMs - mtimeMs > ABANDONED_MS) await rm(join(folder, name), { recursive: true, force: true });
  }
}
