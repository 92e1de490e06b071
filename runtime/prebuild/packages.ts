// Packages on disk: where a module's package lies, what it says of itself, and which packages it needs.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

export interface PackageManifest {
  readonly name?: string;
  readonly version?: string;
  readonly gypfile?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  /** Some name optional ones only here. */
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** Empty where there is none, or none that can be read. */
export function packageManifest(folder: string): PackageManifest {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  } catch {
    return {}; // a package without a manifest says nothing of itself
  }
}

/** The folder of the package that `path` belongs to; undefined outside of packages. A nested package.json has no name. */
export function packageFolderOf(path: string): string | undefined {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (packageManifest(folder).name !== undefined) return folder;
  }
  return undefined;
}

/** Where Node finds the package `name` from `folder`; undefined: nowhere. */
export function findPackage(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, "node_modules", name);
    if (existsSync(candidate)) return realpathSync(candidate);
    if (at === dirname(at)) return undefined;
  }
}

/** A package that stays outside of the bundles. */
export interface LeftOut {
  /** What it is imported by. */
  readonly name: string;
  readonly folder: string;
  /** "contains build/Release/addon.node". */
  readonly reason: string;
  /** Paths of files and folders that are not copied, from its own folder. */
  readonly without?: RegExp;
}
