// What Node has compiled for workers, kept for those that come after them: the worker's program, the schema library, and the
// handlers themselves, where a process of theirs ended in order. A worker that finds it needs two thirds of the CPU to boot.
//
// C1  Node decides by itself what of it is good: that of another Node, or of a file that has changed, is not used.
// C2  Each saved version leaves some: what was written last stays, up to a bound.
// C3  Nobody waits for it, and nothing fails where it cannot be written.

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";

export interface CompiledCode {
  /** For the workers' environment. They take it away before a handler sees it. */
  readonly env: Readonly<Record<string, string>>;
  /** Nothing more is removed. */
  close(): void;
}

const MOST_BYTES = 64 * 1024 ** 2;
const LOOK_EVERY_MS = 300_000;

/** `environment`: of the runtime. Whoever has named a place there, or wants none, gets that. */
export function keepCompiledCode(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): CompiledCode {
  const { NODE_COMPILE_CACHE: named, NODE_DISABLE_COMPILE_CACHE: disabled } = environment;
  if (disabled !== undefined) return { env: {}, close: () => undefined };
  if (named !== undefined) return { env: { NODE_COMPILE_CACHE: named }, close: () => undefined };
  const look = () => void removeOldest(folder, MOST_BYTES).catch(() => undefined); // C3
  look();
  const timer = clock.every(LOOK_EVERY_MS, look);
  // Portable: it is still good when the project has been moved, where this Node can do that.
  return { env: { NODE_COMPILE_CACHE: folder, NODE_COMPILE_CACHE_PORTABLE: "1" }, close: () => timer.cancel() };
}

/** Until what is left has at most so many bytes. Rejects as the file system does. */
export async function removeOldest(folder: string, mostBytes: number): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = await Promise.all(paths.map(async (path) => ({ path, ...(await sizeOf(path)) })));
  let bytes = 0;
  for (const { path, size } of files.sort((a, b) => b.writtenMs - a.writtenMs)) {
    bytes += size;
    if (bytes > mostBytes) await rm(path, { force: true });
  }
}

/** A worker may have replaced it meanwhile. */
async function sizeOf(path: string): Promise<{ size: number; writtenMs: number }> {
  const found = await stat(path).catch(() => undefined);
  return { size: found?.size ?? 0, writtenMs: found?.mtimeMs ?? 0 };
}
