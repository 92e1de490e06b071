// Where a file or package could appear that would mend what fails for want of it.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Message } from "esbuild";
import { packageNameOf } from "./bare-imports.ts";
import { fileCandidates, foldersFrom } from "./resolution-candidates.ts";
import { tsconfigOf } from "./tsconfig.ts";

/** Written last by npm, pnpm, yarn and bun: once they change, the package is whole. */
const INSTALL_MARKS = [
  "node_modules/.package-lock.json",
  "node_modules/.modules.yaml",
  "node_modules/.pnpm-workspace-state-v1.json",
  "node_modules/.yarn-state.yml",
  "node_modules/.yarn-integrity",
  "bun.lock",
];

/** The specifier that esbuild could not resolve, or that a message of ours misses; undefined: it is about something else. */
export function unresolvedIn({ text, detail }: Pick<Message, "text" | "detail">): string | undefined {
  const { missing } = (detail ?? {}) as { readonly missing?: unknown };
  if (typeof missing === "string") return missing;
  return /^Could not resolve "([^"]+)"/.exec(text)?.[1];
}

/** The same for what Node says of a module or a file that is missed when code runs. */
export function pathsThatWouldMendRun(text: string): string[] {
  const missed = text.matchAll(
    /Cannot find (?:package|module) '([^']+)'(?: imported from (\S+)|\s+Require stack:\s+- (\S+))?/g,
  );
  const modules = [...missed].flatMap(([, specifier = "", imported, required]) => {
    const importer = (imported ?? required)?.replace(/^'|'$/g, "") ?? "";
    const path = importer.startsWith("file:") ? fileURLToPath(importer) : importer;
    if (isAbsolute(specifier)) return fileCandidates(specifier);
    return isAbsolute(path) ? pathsThatWouldMend(path, specifier) : [];
  });
  const files = [...text.matchAll(/no such file or directory, \w+ '([^']+)'/g)].map(([, path = ""]) => path);
  return [...new Set([...modules, ...files.filter((path) => isAbsolute(path))])];
}

/** Absolute paths to watch: `importer` is the file that imports `specifier`. */
export function pathsThatWouldMend(importer: string, specifier: string): string[] {
  const folder = dirname(importer);
  if (/^\.{0,2}\//.test(specifier)) return fileCandidates(resolve(folder, specifier));
  const named = specifier.startsWith("#") ? importedFiles(folder, specifier) : aliasedFiles(folder, specifier);
  const name = packageNameOf(specifier);
  return name === undefined ? named : [...named, ...installMarks(folder), ...packageFiles(folder, name, specifier)];
}

/** The marker lies where the package manager was run: beside the importer or anywhere above, as in a workspace. */
function installMarks(folder: string): string[] {
  return foldersFrom(folder).flatMap((at) => INSTALL_MARKS.map((mark) => join(at, mark)));
}

/** `paths` of tsconfig.json, which may be made, or be made nearer. */
function aliasedFiles(folder: string, specifier: string): string[] {
  const { files, options } = tsconfigOf(folder, new Map());
  const targets = Object.entries(options.paths ?? {}).flatMap(([pattern, to]) => matched(pattern, to, specifier));
  const base = options.baseUrl === undefined ? [] : [resolve(options.baseUrl, specifier)];
  const nearer = foldersFrom(folder).map((at) => join(at, "tsconfig.json"));
  return [...files, ...nearer, ...[...targets, ...base].flatMap(fileCandidates)];
}

/** `imports` of the nearest package.json. */
function importedFiles(folder: string, specifier: string): string[] {
  const at = foldersFrom(folder).find((above) => existsSync(join(above, "package.json")));
  if (at === undefined) return [];
  const manifest = join(at, "package.json");
  const targets = Object.entries(manifestAt(manifest).imports ?? {}).flatMap(([pattern, to]) =>
    matched(pattern, leavesOf(to), specifier),
  );
  return [
    manifest,
    ...targets.filter((path) => path.startsWith(".")).flatMap((path) => fileCandidates(join(at, path))),
  ];
}

/** What a package that is there names as its files: a workspace package's may be built later. */
function packageFiles(folder: string, name: string, specifier: string): string[] {
  const found = foldersFrom(folder)
    .map((at) => join(at, "node_modules", name))
    .find((path) => existsSync(path));
  if (found === undefined) return [];
  const real = realpathSync(found);
  const manifest = join(real, "package.json");
  const { main, module, exports } = manifestAt(manifest);
  const asked = `.${specifier.slice(name.length)}`;
  const entry = asked === "." ? [...leavesOf([main, module]), "./index"] : [asked];
  const targets = exports === undefined ? entry : exportedAs(exports, asked);
  return [manifest, ...targets.flatMap((path) => fileCandidates(join(real, path)))];
}

function exportedAs(exports: unknown, asked: string): string[] {
  const bySubpath = Object.entries(typeof exports === "object" && exports !== null ? exports : {});
  if (!bySubpath.some(([pattern]) => pattern.startsWith("."))) return leavesOf(exports);
  return bySubpath.flatMap(([pattern, to]) => matched(pattern, leavesOf(to), asked));
}

function matched(pattern: string, targets: readonly string[], specifier: string): string[] {
  const [before = "", after] = pattern.split("*");
  if (after === undefined) return pattern === specifier ? [...targets] : [];
  if (!specifier.startsWith(before) || !specifier.endsWith(after)) return [];
  const middle = specifier.slice(before.length, specifier.length - after.length);
  return targets.map((target) => target.replaceAll("*", middle));
}

/** All texts in a value of package.json, whatever their conditions. */
function leavesOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}

interface PackageFiles {
  readonly main?: unknown;
  readonly module?: unknown;
  readonly exports?: unknown;
  readonly imports?: Readonly<Record<string, unknown>>;
}

function manifestAt(path: string): PackageFiles {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PackageFiles;
  } catch {
    return {}; // being written: its change is followed
  }
}
