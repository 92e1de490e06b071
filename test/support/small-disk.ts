// A file system of a few megabytes that can be full.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly path: string;
  /** To the last byte. */
  fill(): void;
  makeRoom(): void;
  remove(): void;
}

/** Undefined where we may not mount one. @param path made when it is not there; a temporary folder unless given */
export function smallDisk(
  megabytes: number,
  path = mkdtempSync(join(tmpdir(), "nats-handlers-disk-")),
): SmallDisk | undefined {
  mkdirSync(path, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  const filling = join(path, "filling");
  return {
    path,
    fill() {
      const file = openSync(filling, "w");
      for (let bytes = 65_536; bytes >= 1; ) {
        try {
          writeSync(file, Buffer.alloc(bytes));
        } catch {
          bytes = Math.floor(bytes / 2);
        }
      }
      closeSync(file);
    },
    makeRoom: () => rmSync(filling),
    remove() {
      execFileSync("umount", ["-l", path]);
      rmSync(path, { recursive: true });
    },
  };
}
