// An earlier version of this repository in a folder of its own, with the packages of this one.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export interface EarlierVersion {
  readonly folder: string;
  remove(): void;
}

/** Throws where the commit is not there, as in a shallow clone. */
export function earlierVersion(commit: string): EarlierVersion {
  const folder = mkdtempSync(join(tmpdir(), "nats-handlers-before-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const archive = join(folder, "version.tar");
  try {
    execFileSync("git", ["archive", `--output=${archive}`, commit], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    execFileSync("tar", ["-xf", archive, "-C", folder]);
  } catch (cause) {
    remove();
    const remedy = "In a clone that has it, `git fetch --unshallow` does; or name a folder with --before.";
    throw new Error(`commit ${commit} cannot be had: ${(cause as Error).message.trim()}. ${remedy}`, { cause });
  }
  rmSync(archive);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return { folder, remove };
}
