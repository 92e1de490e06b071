// `.handlers/`: what the runtime keeps between runs. It ignores itself, so that nobody commits it by accident.
//
// A project that we may not write to has it in the system's folder for temporary files, where only we may look.

import { createHash } from "node:crypto";
import { accessSync, constants, existsSync } from "node:fs";
import { lstat, mkdir, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { RuntimeError } from "./errors.ts";

/** Where the project's own lies, whether or not it can be written to. */
export function ownStateFolder(rootDir: string): string {
  return join(rootDir, ".handlers");
}

/** The one to use: the project's own, else a temporary one. Makes nothing. */
export function stateFolderOf(rootDir: string, mayWriteTo: (path: string) => boolean = isWritable): string {
  const own = ownStateFolder(rootDir);
  return mayWriteTo(existsSync(own) ? own : rootDir) ? own : temporaryStateFolder(rootDir);
}

/** Of this user and this project: the same one at each run. */
export function temporaryStateFolder(rootDir: string): string {
  const project = createHash("sha256").update(rootDir).digest("hex").slice(0, 12);
  return join(temporaryTop(), project, ".handlers");
}

/** Rejects when it cannot be made, or when a temporary one is not ours alone: what lies in it is run. */
export async function prepareStateFolder(stateDir: string): Promise<void> {
  const top = temporaryTop();
  const isTemporary = dirname(dirname(stateDir)) === top;
  await mkdir(stateDir, { recursive: true, ...(isTemporary ? { mode: 0o700 } : {}) });
  if (isTemporary) await assertOurs(top);
  // "wx": one that is there is the user's.
  await writeFile(join(stateDir, ".gitignore"), "*\n", { flag: "wx" }).catch(() => undefined);
}

async function assertOurs(folder: string): Promise<void> {
  const { uid, mode } = await lstat(folder);
  if (uid === userId() && (mode & 0o022) === 0) return;
  throw new RuntimeError("CONFIG_UNREADABLE", `the folder ${folder} is open to others, and what lies in it is run`, {
    remedy: "Remove it, or name another folder for temporary files with TMPDIR.",
  });
}

function temporaryTop(): string {
  return join(tmpdir(), `nats-handlers-${userId()}`);
}

function userId(): number {
  return process.getuid?.() ?? userInfo().uid;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // Forbidden, on a read-only disk, or not there.
  }
}
