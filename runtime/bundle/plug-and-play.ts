// Yarn's Plug'n'Play keeps packages in archives that only a patched Node can read, and workers run Node as it is.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { RuntimeError } from "../errors.ts";

/** Throws BUNDLE_FAILED when the project's packages are installed so. */
export function refusePlugAndPlay(rootDir: string): void {
  const folder = foldersFrom(rootDir).find((at) => existsSync(join(at, ".pnp.cjs")));
  if (folder === undefined || existsSync(join(folder, "node_modules"))) return;
  throw new RuntimeError(
    "BUNDLE_FAILED",
    "the packages are installed by Yarn's Plug'n'Play, which workers cannot read",
    {
      place: { file: join(folder, ".pnp.cjs") },
      remedy: "Write `nodeLinker: node-modules` into .yarnrc.yml and run `yarn install`.",
    },
  );
}

function foldersFrom(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...foldersFrom(above)];
}
