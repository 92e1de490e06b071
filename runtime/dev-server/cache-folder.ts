// In which folder fetched nats-servers are kept: the one that HANDLERS_CACHE_DIR names and no other, else the user's cache,
// else one in the system's temporary folder.
//
// What lies there is run, so a folder that somebody else could have filled is not used: the temporary folder is everybody's.

import { constants } from "node:fs";
import { access, lstat, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homeFolder } from "../home-folder.ts";

export interface CacheFolder {
  readonly path: string;
  readonly kind: "named" | "home" | "temporary";
}

/** In the order in which they are tried. */
export function cacheFolders(env: NodeJS.ProcessEnv, userId: number | undefined = process.getuid?.()): CacheFolder[] {
  const named = env.HANDLERS_CACHE_DIR;
  if (named) return [{ kind: "named", path: named }];
  const home = env.XDG_CACHE_HOME || join(homeFolder(env), ".cache");
  const temporary = join(env.TMPDIR || tmpdir(), `nats-handlers-${userId ?? "cache"}`);
  return [
    { kind: "home", path: join(home, "nats-handlers") },
    { kind: "temporary", path: temporary },
  ];
}

/** Whether what it holds may be run. Never rejects. */
export async function isTrusted(folder: CacheFolder): Promise<boolean> {
  if (folder.kind !== "temporary") return true;
  const found = await lstat(folder.path).catch(() => undefined); // not there: nothing to run
  if (found === undefined || !found.isDirectory()) return false;
  const mine = process.getuid === undefined || found.uid === process.getuid();
  return mine && (found.mode & (constants.S_IWGRP | constants.S_IWOTH)) === 0;
}

/** Why nothing can be kept in this folder, or undefined when something can; made when missing. Never rejects. */
export async function whyUnusable(folder: CacheFolder): Promise<string | undefined> {
  try {
    await mkdir(folder.path, { recursive: true, ...(folder.kind === "temporary" ? { mode: 0o700 } : {}) });
    await access(folder.path, constants.W_OK | constants.X_OK);
  } catch (error) {
    return `${folder.path} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
  return (await isTrusted(folder)) ? undefined : `${folder.path} belongs to somebody else, or others may write to it`;
}
