// Packages that no bundler can take whole, and their way into the build.
//
// N1  Native is what has an install script, contains compiled code, or brings a package of its own for each platform.
// N2  A native package is copied with everything it depends on, at run time, to `node_modules` of the build.
// N3  What it depends on lies beside it; another version of the same package lies below the one that needs it.

import { existsSync, readdirSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { RuntimeError } from "../errors.ts";
import type { NativePackage } from "./manifest.ts";
import { findPackage, packageManifest } from "./packages.ts";

const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall"];

/** N1. Why the package in this folder cannot be bundled; undefined: it can. */
export function nativeReason(folder: string): string | undefined {
  const { gypfile, scripts = {}, optionalDependencies = {} } = packageManifest(folder);
  const script = INSTALL_SCRIPTS.find((name) => scripts[name] !== undefined);
  if (script !== undefined) return `has a script \`${script}\``;
  if (gypfile === true || existsSync(join(folder, "binding.gyp"))) return "is compiled when it is installed";
  const parts = Object.keys(optionalDependencies).filter((name) => isForOnePlatform(findPackage(folder, name)));
  if (parts.length > 0) return `brings ${parts[0]}`;
  const compiled = compiledFileIn(folder, folder);
  return compiled === undefined ? undefined : `contains ${compiled}`;
}

function isForOnePlatform(folder: string | undefined): boolean {
  if (folder === undefined) return false;
  const { os, cpu } = packageManifest(folder);
  return os !== undefined || cpu !== undefined;
}

function compiledFileIn(top: string, folder: string): string | undefined {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile() && /\.(node|wasm)$/.test(entry.name)) return relative(top, path).split(sep).join("/");
    const found = entry.isDirectory() && entry.name !== "node_modules" ? compiledFileIn(top, path) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** N2. `reasons`: folder of each package that stays out of the bundles, and why. Sorted by name. */
export async function copyNativePackages(
  reasons: ReadonlyMap<string, string>,
  outDir: string,
): Promise<readonly NativePackage[]> {
  const placed = new Map<string, string>();
  const natives = [...reasons]
    .map(([folder, reason]) => ({ folder, reason, ...named(folder) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { folder, name } of natives) place(folder, join(outDir, "node_modules", name), placed);
  // Once all have their places, so that what is needed finds its own.
  for (const { folder, name } of natives) placeNeeded(folder, join(outDir, "node_modules", name), outDir, placed);
  for (const [to, from] of placed) await cp(from, to, { recursive: true, dereference: true, filter: isItsOwn(from) });
  return natives.map(({ name, version, reason }) => ({ name, version, reason }));
}

function place(folder: string, to: string, placed: Map<string, string>): void {
  const there = placed.get(to);
  if (there !== undefined && there !== folder) throw twoVersions(folder, there);
  placed.set(to, folder);
}

/** N3. */
function placeNeeded(folder: string, at: string, outDir: string, placed: Map<string, string>): void {
  const { dependencies, optionalDependencies, peerDependencies } = packageManifest(folder);
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).sort();
  for (const name of names) {
    const needed = findPackage(folder, name);
    if (needed === undefined) continue; // Optional, and not for this platform.
    const beside = join(outDir, "node_modules", name);
    const to = (placed.get(beside) ?? needed) === needed ? beside : join(at, "node_modules", name);
    if (placed.get(to) === needed) continue;
    placed.set(to, needed);
    placeNeeded(needed, to, outDir, placed);
  }
}

function isItsOwn(folder: string): (path: string) => boolean {
  return (path) => !relative(folder, path).split(sep).includes("node_modules");
}

function named(folder: string): { name: string; version: string } {
  const { name = "", version = "" } = packageManifest(folder);
  return { name, version };
}

function twoVersions(folder: string, there: string): RuntimeError {
  const [one, other] = [named(folder), named(there)];
  return new RuntimeError(
    "BUNDLE_FAILED",
    `${one.name} cannot be bundled, and handlers need two versions of it: ${one.version} and ${other.version}`,
    { remedy: `Let all of them use one version: \`npm ls ${one.name}\` tells who needs which.` },
  );
}
