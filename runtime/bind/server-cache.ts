// Where fetched nats-servers are kept for all projects of a user, filled safely by several processes at once: each works in
// a temporary folder of its own and moves the proven binary into its place in one step.

import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";

export interface ServerBinary {
  readonly path: string;
  /** Such as "2.10.29". */
  readonly version: string;
}

export type Probe =
  | { readonly kind: "usable"; readonly binary: ServerBinary }
  | { readonly kind: "failed"; readonly why: string };

/** Runs the binary once, to learn that it runs and is new enough. */
export type ProbeBinary = (path: string) => Promise<Probe>;

export interface CacheOptions {
  readonly cacheRoot: string;
  readonly probe: ProbeBinary;
  readonly clock: Clock;
}

export interface ServerCache {
  /** The newest usable binary in the cache. */
  read(): Promise<Probe>;
  /** Have a binary made in a temporary folder, prove it, and move it into its place in one step. */
  fill(make: (workDir: string) => Promise<Made>): Promise<Probe>;
}

export type Made =
  | { readonly kind: "unpacked"; readonly path: string }
  | { readonly kind: "failed"; readonly why: string };

/** Shared by all projects of the user: `<cache folder>/nats-server/v<version>/nats-server`. */
export function serverCache({ cacheRoot, probe, clock }: CacheOptions): ServerCache {
  const folder = join(cacheRoot, "nats-server");

  async function read(): Promise<Probe> {
    const names = await readdir(folder).catch(() => []); // no cache yet
    const versions = names.filter((name) => /^v\d+\.\d+\.\d+$/.test(name));
    versions.sort((a, b) => compareVersions(b.slice(1), a.slice(1)));
    let why = `none in ${folder}`;
    for (const version of versions) {
      const found = await probe(join(folder, version, "nats-server"));
      if (found.kind === "usable") return found;
      why = found.why;
      await rm(join(folder, version), { recursive: true, force: true });
    }
    return { kind: "failed", why };
  }

  async function fill(make: (workDir: string) => Promise<Made>): Promise<Probe> {
    let workDir: string | undefined;
    try {
      await mkdir(folder, { recursive: true });
      await removeAbandoned(folder, clock.nowMs());
      workDir = await mkdtemp(join(folder, TEMPORARY));
      const made = await make(workDir);
      return made.kind === "failed" ? made : await moveIn(workDir, made.path);
    } catch (error) {
      return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
    } finally {
      if (workDir !== undefined) await rm(workDir, { recursive: true, force: true });
    }
  }

  async function moveIn(workDir: string, made: string): Promise<Probe> {
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

  return { read, fill };
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

/** Below zero when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let part = 0; part < 3; part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
