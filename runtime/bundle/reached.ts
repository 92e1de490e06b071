// The files that code reaches by its own place instead of by an import: workers, templates, data (mentions.ts finds where).
//
// U1  Code is bundled like a handler, in a module of its own, and the mention then means that module: a worker may be
//     TypeScript, and a save of it is a save of the handler. Only what is read is left as it is.
// U2  All else means the file: where it lies in `dev`, and its copy in a build.
// U3  A file of code that is not there is an error with its line. Another may be made when it runs.
// U4  What starts from the folder in which the process runs is refused: in a build that is another one.
// U5  What is put together when it runs is known up to its folder, whose files go into a build. Where not even that is known,
//     running it cannot work in a build, and is refused; reading it may, and is warned of.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PartialMessage } from "esbuild";
import { packageNameOf } from "./bare-imports.ts";
import type { Mention } from "./mentions.ts";
import type { SourceAt } from "./source-at.ts";

const CODE = /\.([mc]?[jt]s|[jt]sx)$/;
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
  ".jsx": [".tsx"],
};

const LITERAL = 'Write its path, or its folder, as a text: `new URL("./name", import.meta.url)`.';

export type Reached =
  | { readonly kind: "code"; readonly path: string }
  | { readonly kind: "file" | "folder"; readonly path: string }
  /** Loaded by name: `specifier` of the package, found from `path`. */
  | { readonly kind: "package"; readonly path: string; readonly name: string }
  /** In a build it cannot work, or may not. */
  | { readonly kind: "refused" | "doubtful"; readonly problem: PartialMessage }
  /** Nowhere, or not where it seems to be. */
  | { readonly kind: "missing"; readonly problem: PartialMessage };

/** Undefined: it says nothing of what is needed. */
export function reachedBy(mention: Mention, source: SourceAt): Reached | undefined {
  const { kind, path, isWhole, use } = mention;
  const problem = (text: string, remedy: string, missing?: string): PartialMessage => ({
    text,
    location: locationOf(source),
    detail: { remedy, missing },
  });
  if (kind === "cwd") return notByItsPlace(path, source, problem);
  if (kind === "require" && !/^\.{0,2}\//.test(path)) return requiredPackage(path, source);
  if (path !== "" && kind === "url" && !/^\.{1,2}(\/|$)/.test(path) && /^[a-z][\w+.-]*:|^\//i.test(path))
    return undefined;
  if (!isWhole) return partlyKnown(mention, source, problem);
  const target = path === "" ? source.path : targetOf(mention, source.path);
  const found = codeAt(target) ?? target;
  if (!existsSync(found)) {
    if (!CODE.test(target) || use !== "run" || kind === "require") return undefined;
    return {
      kind: "missing",
      problem: problem(`"${path}" names a file that is not there`, "Make it, or correct the path.", target),
    };
  }
  if (statSync(found).isDirectory()) {
    return source.path.startsWith(found + sep) ? undefined : { kind: "folder", path: found };
  }
  if (!CODE.test(found) || use === "read") return { kind: "file", path: found };
  if (kind !== "require") return { kind: "code", path: found };
  const text = `"${path}" is code that is required by its place, which a build cannot bundle`;
  return { kind: "refused", problem: problem(text, `Import it: \`import x from "${path}"\`.`) };
}

function notByItsPlace(
  path: string,
  source: SourceAt,
  problem: (text: string, remedy: string) => PartialMessage,
): Reached {
  const fromHere = codeAt(resolve(dirname(source.path), path)) === undefined ? `./${basename(path)}` : path;
  const text = `"${path}" is looked for from the folder in which the handler runs, not from this file`;
  return {
    kind: "missing",
    problem: problem(text, `Write it from this file's place: \`new URL("${fromHere}", import.meta.url)\`.`),
  };
}

function requiredPackage(specifier: string, source: SourceAt): Reached | undefined {
  const name = specifier.startsWith("node:") ? undefined : packageNameOf(specifier);
  return name === undefined ? undefined : { kind: "package", path: source.path, name };
}

function partlyKnown(
  { kind, path, use }: Mention,
  source: SourceAt,
  problem: (text: string, remedy: string) => PartialMessage,
): Reached | undefined {
  if (use === "run") {
    const text = "which file this runs is only known when it runs, so a build cannot bundle it";
    return { kind: "refused", problem: problem(text, LITERAL) };
  }
  const known = path.slice(0, path.lastIndexOf("/") + 1);
  const folder = resolve(dirname(source.path), kind === "url" ? decoded(known) : known);
  const isBelow = folder !== dirname(source.path) && !source.path.startsWith(folder + sep);
  if (isBelow) return existsSync(folder) ? { kind: "folder", path: folder } : undefined;
  const text = "which file this names is only known when it runs, so a build cannot copy it";
  return {
    kind: "doubtful",
    problem: problem(text, `${LITERAL} Files below handlers/ that are not code are copied anyhow.`),
  };
}

function targetOf({ kind, path }: Mention, source: string): string {
  if (kind === "url") return fileURLToPath(new URL(path.replace(/[?#].*$/s, ""), pathToFileURL(source)));
  return resolve(dirname(source), path);
}

/** The code itself, also where it is named as what TypeScript makes of it. */
function codeAt(path: string): string | undefined {
  if (existsSync(path)) return path;
  const end = extname(path);
  const names = (OTHER_NAMES[end] ?? []).map((other) => path.slice(0, -end.length) + other);
  return names.find((name) => existsSync(name));
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** esbuild's, but for the file's path, which is absolute. */
function locationOf({ path, line, column }: SourceAt): NonNullable<PartialMessage["location"]> {
  const lineText = readFileSync(path, "utf8").split("\n")[line - 1] ?? "";
  return {
    file: path,
    namespace: "file",
    line,
    column: Buffer.byteLength(lineText.slice(0, column - 1)),
    length: 0,
    lineText,
  };
}
