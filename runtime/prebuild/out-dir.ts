// The folder a build goes to: put together far from the project, as a container has it, and moved into its place when everything in
// it is good.

import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { RuntimeError } from "../errors.ts";
import { BUILD_DIR, MANIFEST } from "./layout.ts";

export interface OutDir {
  /** Stands for the project's root: nothing of the project is there but the build. */
  readonly place: string;
  /** Where the build is put together: below that. */
  readonly staging: string;
  /** What was put together becomes the build, and the one before is removed. */
  publish(): Promise<void>;
  /** Remove what was put together. */
  discard(): Promise<void>;
}

/** `outDir` is absolute. Throws USAGE when it holds anything but a build. */
export async function openOutDir(outDir: string): Promise<OutDir> {
  if (existsSync(outDir) && readdirSync(outDir).length > 0 && !existsSync(join(outDir, MANIFEST))) {
    throw new RuntimeError("USAGE", `--out: ${outDir} holds something that is no build, and would be removed`, {
      remedy: "Name another folder, or empty it.",
    });
  }
  const place = await mkdtemp(join(await realpath(tmpdir()), "nats-handlers-build-"));
  // The paths in source maps count on the name.
  const staging = join(place, BUILD_DIR);
  await mkdir(staging);
  // Nobody commits a build by accident.
  await writeFile(join(staging, ".gitignore"), "*\n");
  return {
    place,
    staging,
    async publish() {
      const beside = join(dirname(outDir), `.${basename(outDir)}.${process.pid}`);
      await mkdir(dirname(outDir), { recursive: true });
      try {
        await move(staging, beside);
        await rm(outDir, { recursive: true, force: true });
        await rename(beside, outDir);
      } finally {
        await rm(beside, { recursive: true, force: true });
      }
    },
    discard: () => rm(place, { recursive: true, force: true }),
  };
}

/** The two may lie on different disks. */
async function move(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await cp(from, to, { recursive: true, verbatimSymlinks: true });
  }
}
