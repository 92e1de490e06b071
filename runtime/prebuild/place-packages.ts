// Packages on their way into the build's `node_modules`.
//
// N1  A package is copied with everything it depends on, at run time: optional and peer dependencies where they are installed.
// N2  What it depends on lies beside it; another version of the same package lies below the one that needs it. So each finds
//     from its new place what it finds from its own.

import { cp } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { CopiedPackage } from "./manifest.ts";
import { isForOnePlatform, nativeReason } from "./native-packages.ts";
import { findPackage, type LeftOut, packageManifest } from "./packages.ts";

/** Peers that are there for types only. */
const TYPES = /^(typescript|@types\/.*)$/;

/** In the order of `leftOut`. */
export async function copyPackages(leftOut: readonly LeftOut[], outDir: string): Promise<readonly CopiedPackage[]> {
  const places = arranged(leftOut, outDir);
  const without = new Map(leftOut.map((one) => [one.folder, one.without]));
  for (const [to, from] of places) {
    await cp(from, to, { recursive: true, dereference: true, filter: isCopied(from, without.get(from)) });
  }
  const isNative = [...places.values()].some(
    (folder) => isForOnePlatform(folder) || nativeReason(folder) !== undefined,
  );
  return leftOut.map(({ name, folder, reason }) => {
    const needed = arranged([{ name, folder }], "").values();
    const native = isNative && [...needed].some((one) => isForOnePlatform(one) || nativeReason(one) !== undefined);
    return { name, version: packageManifest(folder).version ?? "", reason, native };
  });
}

/** Where each package's folder goes: new path to the folder it is copied from. */
export function arranged(leftOut: readonly Omit<LeftOut, "reason">[], outDir: string): Map<string, string> {
  const top = join(outDir, "node_modules");
  const places = new Map(leftOut.map(({ name, folder }) => [join(top, name), folder]));
  // What is put in place may be found by others that need another: until each finds its own.
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const [to, from] of places) {
      for (const name of neededBy(from)) {
        const needed = findPackage(from, name);
        if (needed === undefined) continue; // optional, and not for this platform
        const found = foundFrom(to, name, top, places);
        if (found === needed) continue;
        places.set(join(found === undefined ? top : join(to, "node_modules"), name), needed);
        isSettled = false;
      }
    }
  }
  return places;
}

function neededBy(folder: string): string[] {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = packageManifest(folder);
  const peers = Object.keys({ ...peerDependencies, ...peerDependenciesMeta }).filter((name) => !TYPES.test(name));
  return [...new Set([...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers])].sort();
}

/** What Node would find by this name from a new place. */
function foundFrom(to: string, name: string, top: string, places: ReadonlyMap<string, string>): string | undefined {
  for (let at = to; ; at = dirname(at)) {
    const found = places.get(join(at, "node_modules", name));
    if (found !== undefined) return found;
    if (at === dirname(top) || at === dirname(at)) return undefined;
  }
}

function isCopied(folder: string, without: RegExp | undefined): (path: string) => boolean {
  return (path) => {
    const below = relative(folder, path);
    return !below.split(sep).includes("node_modules") && without?.test(below) !== true;
  };
}
