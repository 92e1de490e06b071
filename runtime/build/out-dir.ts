// The folder a build goes to: put together beside it, and moved into its place when everything in it is good.

import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RuntimeError } from "../errors.ts";
import { MANIFEST } from "./layout.ts";

export interface OutDir {
  /** Where the build is put together. */
  readonly staging: string;
  /** What was put together becomes the build, and the one before is removed. */
  publish(): Promise<void>;
  /** Remove what was put together, if it is still there. */
  discard(): Promise<void>;
}

/** `outDir` is absolute. Throws USAGE when it holds anything but a build. */
export async function openOutDir(outDir: string): Promise<OutDir> {
  if (existsSync(outDir) && readdirSync(outDir).length > 0 && !existsSync(join(outDir, MANIFEST))) {
    throw new RuntimeError("USAGE", `--out: ${outDir} holds something that is no build, and would be removed`, {
      remedy: "Name another folder, or empty it.",
    });
  }
  // A folder of the same depth: bundles find the packages beside them while they are looked at.
  const staging = join(dirname(outDir), `.${basename(outDir)}.${process.pid}`);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  // Nobody commits a build by accident.
  await writeFile(join(staging, ".gitignore"), "*\n");
  return {
    staging,
    async publish() {
      await rm(outDir, { recursive: true, force: true });
      await rename(staging, outDir);
    },
    discard: () => rm(staging, { recursive: true, force: true }),
  };
}
