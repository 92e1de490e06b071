// Which packages stay outside of the bundles, and by which name they are found there. It is found out on the way: what a bundle
// shows, once it is printed, holds for the next printing.
//
// I4  zod is outside, if it is the project's and zod 4: a process has loaded it before it is told which handler it is, and that
//     handler's first message does not wait for it. (Measured: 13 ms instead of 61.)
// I5  So is what is named by `external`, what no bundler can take (native-packages.ts), and what works only where it is
//     installed (place-bound.ts).
// I6  What comes with one of them is outside as well: code and its package share one instance, as in Node.
// I7  A name is the one it is imported by: an alias stays. Of two packages with one name, the root's keeps it, and the other
//     has its version in it.

import { dirname } from "node:path";
import { packageNameOf } from "../bundle/bare-imports.ts";
import type { Bound } from "../bundle/place-bound.ts";
import { nativeReason } from "./native-packages.ts";
import { findPackage, type LeftOut, packageFolderOf, packageManifest } from "./packages.ts";
import { arranged } from "./place-packages.ts";

/** I4: names of one and the same module. */
const ITSELF = new Set(["zod", "zod/v4"]);
/** Two thirds of zod are its sources, with their tests, and types. */
const NOT_RUN = /^src$|\.d\.[cm]?ts$/;

export class Outside {
  private readonly rootDir: string;
  private readonly external: readonly string[];
  /** I4: its folder, as far as there is one. */
  private readonly shared: string | undefined;
  /** What it is imported by. */
  private readonly sharedAs = new Set<string>();
  /** By folder: what has been found out (I5). */
  private readonly bound = new Map<string, string>();
  private readonly native = new Map<string, string | undefined>();
  private readonly folders = new Map<string, string | undefined>();
  /** By folder and name. */
  private readonly left = new Map<string, LeftOut>();
  /** I6: by name. */
  private beside: ReadonlyMap<string, string> = new Map();
  /** I7: by folder and name. */
  private renamed: ReadonlyMap<string, string> = new Map();

  constructor(rootDir: string, external: readonly string[]) {
    this.rootDir = rootDir;
    this.external = external;
    this.shared = sharedZod(rootDir);
  }

  /** The specifier it is found by from a bundle; undefined: it is bundled. `path`: what Node would load for `specifier`. */
  specifierOf(specifier: string, path: string): string | undefined {
    const name = packageNameOf(specifier);
    const folder = this.folderOf(path);
    if (name === undefined || folder === undefined) return undefined;
    const isShared = this.isShared(folder, name);
    if (isShared) this.sharedAs.add(specifier);
    const reason = this.reasonFor(folder, name);
    if (reason === undefined) return undefined;
    this.leaveOut({ name, folder, reason, ...(isShared ? { without: NOT_RUN } : {}) });
    return `${this.renamed.get(keyOf(name, folder)) ?? name}${specifier.slice(name.length)}`;
  }

  /** It is outside, though nothing may import it. */
  leaveOut(left: LeftOut): void {
    const key = keyOf(left.name, left.folder);
    if (!this.left.has(key)) this.left.set(key, left);
  }

  isExternal(name: string): boolean {
    return this.external.includes(name);
  }

  /**
   * What a printed bundle shows. Gives a question to ask of each bundle: whether it was printed without knowing that, by the
   * sources that went into it.
   */
  learn(bound: readonly Bound[]): (inputs: readonly string[]) => boolean {
    for (const { path, reason } of bound) {
      const folder = this.folderOf(path);
      if (folder !== undefined && !this.bound.has(folder)) this.bound.set(folder, reason);
    }
    const renamed = this.clashes();
    const isRenamed = JSON.stringify([...renamed]) !== JSON.stringify([...this.renamed]);
    this.renamed = renamed;
    const found = [...this.bound.keys()].sort().map((folder) => ({ name: packageManifest(folder).name ?? "", folder }));
    this.beside = new Map([...arranged([...found, ...this.all()], "")].flatMap(topLevel));
    const outside = new Set([...this.bound.keys(), ...this.beside.values()]);
    return (inputs) => isRenamed || inputs.some((path) => outside.has(this.folderOf(path) ?? ""));
  }

  /** With the names they have in the build, sorted by them. */
  all(): LeftOut[] {
    const named = [...this.left].map(([key, one]) => ({ ...one, name: this.renamed.get(key) ?? one.name }));
    return [...new Map(named.map((one) => [one.name, one])).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Once all is printed (I4): whether anything is imported of zod, and whether anything but zod itself. */
  zod(): "none" | "itself" | "parts" {
    const { shared, sharedAs } = this;
    if (shared === undefined || sharedAs.size === 0) return "none";
    const others = this.all().filter(({ folder }) => folder !== shared);
    const isNeeded = [...arranged(others, "").values()].includes(shared);
    return !isNeeded && [...sharedAs].every((one) => ITSELF.has(one)) ? "itself" : "parts";
  }

  private isShared(folder: string, name: string): boolean {
    return folder === this.shared && name === "zod";
  }

  private folderOf(path: string): string | undefined {
    const at = dirname(path);
    if (!this.folders.has(at)) this.folders.set(at, packageFolderOf(path));
    return this.folders.get(at);
  }

  private reasonFor(folder: string, name: string): string | undefined {
    if (this.isExternal(name)) return "is named by `external`";
    if (this.isShared(folder, name)) return "is shared by all handlers";
    if (!this.native.has(folder)) this.native.set(folder, nativeReason(folder));
    const own = this.native.get(folder) ?? this.bound.get(folder);
    return own ?? (this.beside.get(name) === folder ? "comes with another that is copied" : undefined);
  }

  private clashes(): Map<string, string> {
    const clashing = [...Map.groupBy(this.left.values(), ({ name }) => name)].filter(([, all]) => all.length > 1);
    const renamed = clashing.sort().flatMap(([name, all]) => {
      const first = findPackage(this.rootDir, name);
      const sorted = all.map(({ folder }) => folder).sort();
      const others = sorted.includes(first ?? "") ? sorted.filter((folder) => folder !== first) : sorted.slice(1);
      return others.map(
        (folder) => [keyOf(name, folder), `${name}@${packageManifest(folder).version ?? "other"}`] as const,
      );
    });
    return new Map(renamed);
  }
}

function sharedZod(rootDir: string): string | undefined {
  const folder = findPackage(rootDir, "zod");
  return folder !== undefined && packageManifest(folder).version?.startsWith("4.") ? folder : undefined;
}

function keyOf(name: string, folder: string): string {
  return `${name}\0${folder}`;
}

function topLevel([to, folder]: [string, string]): [string, string][] {
  const name = to.replace(/^.*?node_modules[\\/]/, "").replaceAll("\\", "/");
  return name.includes("node_modules") ? [] : [[name, folder]];
}
