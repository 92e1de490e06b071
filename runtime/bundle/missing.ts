// Where a file or package could appear that would mend a failed import.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { packageNameOf } from "./bare-imports.ts";
import { fileCandidates, foldersFrom } from "./resolution-candidates.ts";
import { tsconfigOf } from "./tsconfig.ts";

/** Written last by npm, pnpm and yarn: once they change, the package is whole. */
const INSTALL_MARKS = [".package-lock.json", ".modules.yaml", ".yarn-state.yml"];

/** The specifier that esbuild could not resolve, or that is reached and not there (reached.ts), or undefined when the message is about something else. */
export function unresolvedIn(message: string): string | undefined {
  const [, imported, reached] = /^(?:Could not resolve "([^"]+)"|"([^"]+)" names a file)/.exec(message) ?? [];
  return imported ?? reached;
}

/** Absolute paths to watch: `importer` is the file that imports `specifier`. */
export function pathsThatWouldMend(importer: string, specifier: string): string[] {
  const folder = dirname(importer);
  if (/^\.{0,2}\//.test(specifier)) return fileCandidates(resolve(folder, specifier));
  const named = specifier.startsWith("#") ? importedFiles(folder, specifier) : aliasedFiles(folder, specifier);
  const name = packageNameOf(specifier);
  return name === undefined ? named : [...named, ...installMarks(folder), ...packageFiles(folder, name)];
}

/** The marker lies where the package manager was run: beside the importer or anywhere above, as in a workspace. */
function installMarks(folder: string): string[] {
  return foldersFrom(folder).flatMap((at) => INSTALL_MARKS.map((mark) => join(at, "node_modules", mark)));
}

/** `paths` of tsconfig.json. */
function aliasedFiles(folder: string, specifier: string): string[] {
  const { files, options } = tsconfigOf(folder, new Map());
  const targets = Object.entries(options.paths ?? {}).flatMap(([pattern, to]) => matched(pattern, to, specifier));
  const base = options.baseUrl === undefined ? [] : [resolve(options.baseUrl, specifier)];
  return [...files, ...[...targets, ...base].flatMap(fileCandidates)];
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
function packageFiles(folder: string, name: string): string[] {
  const found = foldersFrom(folder)
    .map((at) => join(at, "node_modules", name))
    .find((path) => existsSync(path));
  if (found === undefined) return [];
  const real = realpathSync(found);
  const manifest = join(real, "package.json");
  const { main, module, exports } = manifestAt(manifest);
  const targets = leavesOf([main, module, exports]).filter((path) => !path.includes("*"));
  return [manifest, ...targets.map((path) => join(real, path)), join(real, "index.js")];
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
