// Packages that no bundler can take: what has an install script, contains compiled code, or brings a package of its own for
// each platform.

import { existsSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { findPackage, packageManifest } from "./packages.ts";

const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall"];

/** Why the package in this folder cannot be bundled; undefined: it can. */
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

export function isForOnePlatform(folder: string | undefined): boolean {
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
