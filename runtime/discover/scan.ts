// Which handlers there are now: one walk over the handlers folder.
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { RuntimeError } from "../errors.ts";
import type { HandlerFile } from "./handler-file.ts";
import { handlerFileOf, mayHoldHandlers, nameProblem } from "./rules.ts";

/** Several files that would be one handler. None of them is served. */
export interface NameConflict {
  readonly name: string;
  readonly files: readonly HandlerFile[];
  /** NAME_CONFLICT, naming every file. */
  readonly error: RuntimeError;
}

export interface ScanResult {
  /** The handlers that can be served, sorted by name. */
  readonly files: readonly HandlerFile[];
  readonly conflicts: readonly NameConflict[];
  /** HANDLERS_DIR_MISSING, names that no handler may have, folders that cannot be read. */
  readonly problems: readonly RuntimeError[];
}

/**
 * Walk the handlers folder, following symlinks.
 *
 * Never rejects: what cannot be read is a problem in the result. Files that come or go
 * meanwhile may or may not be in it.
 */
export async function scan(rootDir: string, handlersDir: string): Promise<ScanResult> {
  const problems: RuntimeError[] = [];
  const paths: string[] = [];
  await collect(handlersDir, new Set(), paths, (folder, cause) => problems.push(unreadable(rootDir, folder, cause)));
  if (problems.length > 0 && paths.length === 0 && isMissing(problems[0]?.cause)) {
    return { files: [], conflicts: [], problems: [handlersDirMissing(rootDir, handlersDir)] };
  }
  paths.sort();
  for (const path of paths) {
    const problem = nameProblem(rootDir, handlersDir, path);
    if (problem !== undefined) problems.push(problem);
  }
  const found = paths.map((path) => handlerFileOf(rootDir, handlersDir, path)).filter((file) => file !== undefined);
  return { ...separateConflicts(found), problems };
}

type ReportUnreadable = (folder: string, cause: unknown) => void;

async function collect(folder: string, above: ReadonlySet<string>, paths: string[], report: ReportUnreadable) {
  try {
    const real = await realpath(folder);
    if (above.has(real)) return; // a symlink to a folder above itself
    const entries = await readdir(folder, { withFileTypes: true });
    const within = new Set(above).add(real);
    await Promise.all(entries.map((entry) => collectEntry(join(folder, entry.name), entry, within, paths, report)));
  } catch (cause) {
    // A folder that vanished during the walk has no handlers; only the topmost one is missed.
    if (above.size === 0 || !isMissing(cause)) report(folder, cause);
  }
}

async function collectEntry(
  path: string,
  entry: Dirent,
  above: ReadonlySet<string>,
  paths: string[],
  report: ReportUnreadable,
) {
  if (!mayHoldHandlers(entry.name)) return;
  const kind = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
  if (kind?.isDirectory()) await collect(path, above, paths, report);
  else if (kind?.isFile()) paths.push(path);
}

function separateConflicts(found: readonly HandlerFile[]): Pick<ScanResult, "files" | "conflicts"> {
  const byName = Map.groupBy(found, (file) => file.name);
  const groups = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    files: groups.flatMap(([, files]) => (files.length === 1 ? files : [])),
    conflicts: groups.filter(([, files]) => files.length > 1).map(([name, files]) => conflictOf(name, files)),
  };
}

function conflictOf(name: string, files: readonly HandlerFile[]): NameConflict {
  const listed = files.map((file) => file.displayPath).join(" and ");
  const error = new RuntimeError("NAME_CONFLICT", `handler "${name}" is defined by ${listed}; neither is taken`, {
    handler: name,
    place: { file: files[0]?.displayPath ?? name },
    remedy: "Rename or remove all but one, or start the name with `_` if it is no handler.",
  });
  return { name, files, error };
}

function handlersDirMissing(rootDir: string, handlersDir: string): RuntimeError {
  return new RuntimeError("HANDLERS_DIR_MISSING", `there is no handlers folder at ${handlersDir}`, {
    place: { file: displayOf(rootDir, handlersDir) },
    remedy: "Run `handlers new hello` to make a first handler, or name the folder in handlers.config.ts (`handlers`).",
  });
}

function unreadable(rootDir: string, folder: string, cause: unknown): RuntimeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeError("HANDLERS_DIR_MISSING", `a handlers folder cannot be read: ${why}`, {
    place: { file: displayOf(rootDir, folder) },
    remedy: "Make it a folder that this user may read.",
    cause,
  });
}

function displayOf(rootDir: string, path: string): string {
  return relative(rootDir, path).split(sep).join("/") || ".";
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
