// The program of a version: the code it is made of, taken from where it serves and laid out again where it is to serve.
//
// P1  What lies elsewhere on another machine (the root, the sdk, the folder of the code itself) is named, not told by its path.
// P2  Code that it runs by its place (workers, preloads) belongs to it. Packages, files that are no code, and compiled addons do
//     not: those are of the project, or of the build, that it is laid out in.
// P3  In a build it is laid out as in a copy of it, whose other files are links: what it says of its place stays true.

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";

/** Where the handlers of a runtime come from. All paths are absolute. */
export type ProgramPlace =
  | {
      readonly made: "sources";
      readonly rootDir: string;
      /** File URL of the sdk that workers run on. */
      readonly sdkUrl: string;
    }
  | {
      readonly made: "build";
      readonly dir: string;
      /** Where the paths in its maps start from. */
      readonly rootDir: string;
      /** Of nats-handlers. */
      readonly runtime: string;
    };

export interface Program {
  readonly files: readonly ProgramFile[];
  /** Paths of files: the handler's own, and what is loaded before it. */
  readonly entry: string;
  readonly preload: readonly string[];
}

interface ProgramFile {
  /** From the folder of the code, with `/`. */
  readonly path: string;
  readonly code: string;
  /** Its source map; the paths in it start from the root. */
  readonly map: string;
}

/** Rejects when files of it are gone: its version serves no more. */
export async function readProgram(bundle: Bundle, place: ProgramPlace): Promise<Program> {
  const folder = place.made === "build" ? place.dir : dirname(bundle.path);
  const names = namesIn(place, folder);
  const portable = (path: string) => relative(folder, path).split(sep).join("/");
  const due = new Set([bundle.path, ...bundle.preload]);
  const files: ProgramFile[] = [];
  for (const path of due) {
    const code = await readFile(path, "utf8");
    for (const reached of codeReached(code, path, folder)) due.add(reached); // P2
    const map = await readFile(`${path}.map`, "utf8").catch(() => "");
    const fromRoot = (source: string) => relative(place.rootDir, resolve(dirname(path), source));
    files.push({ path: portable(path), code: exchanged(code, names), map: withSources(map, fromRoot) });
  }
  return { files, entry: portable(bundle.path), preload: bundle.preload.map(portable) };
}

/** @param folder is made; nothing else may lie there. Resolves with where the program begins. */
export async function layOut(
  { files, entry, preload }: Program,
  place: ProgramPlace,
  folder: string,
): Promise<Pick<Bundle, "path" | "preload">> {
  await mkdir(folder, { recursive: true });
  if (place.made === "build")
    await linkRest(place.dir, folder, new Set(files.flatMap(({ path }) => withFolders(path))));
  const names = namesIn(place, folder).map(([text, name]) => [name, text] as const);
  for (const { path, code, map } of files) {
    const to = join(folder, path);
    await mkdir(dirname(to), { recursive: true });
    const fromHere = (source: string) => relative(dirname(to), join(place.rootDir, source));
    await writeFile(to, exchanged(code, names));
    await writeFile(`${to}.map`, withSources(map, fromHere));
  }
  return { path: join(folder, entry), preload: preload.map((path) => join(folder, path)) };
}

type Exchange = readonly [from: string, to: string];

/** P1, the longer ones first: the sdk may lie below the root. A build has no such paths. */
function namesIn(place: ProgramPlace, folder: string): Exchange[] {
  if (place.made === "build") return [];
  const { rootDir, sdkUrl } = place;
  return [
    [sdkUrl, "nats-handlers://sdk"],
    [pathToFileURL(folder).href, "nats-handlers://code-url"],
    [folder, "nats-handlers://code-path"],
    [pathToFileURL(rootDir).href, "nats-handlers://root-url"],
    [rootDir, "nats-handlers://root-path"],
  ];
}

/** Only where a string begins so, and where a name of the path ends. */
function exchanged(code: string, exchanges: readonly Exchange[]): string {
  return exchanges.reduce(
    (text, [from, to]) => text.replace(new RegExp(`(?<=["'\`])${escaped(from)}(?=["'\`/])`, "g"), () => to),
    code,
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const BY_URL = /"(file:[^"]+\.mjs)"/g;
const BY_PLACE = /new URL\("([^"]+\.mjs)", import\.meta\.url\)/g;

/** P2. The first line says what is reached (bundle/import-meta.ts). */
function codeReached(code: string, path: string, folder: string): string[] {
  const first = code.slice(0, code.indexOf("\n"));
  const byUrl = [...first.matchAll(BY_URL)].map(([, url]) => fileURLToPath(url!));
  const byPlace = [...first.matchAll(BY_PLACE)].map(([, to]) => resolve(dirname(path), decodeURIComponent(to!)));
  return [...byUrl, ...byPlace].filter((reached) => reached.startsWith(folder + sep) && existsSync(reached));
}

function withSources(map: string, moved: (source: string) => string): string {
  if (map === "") return "";
  const parsed = JSON.parse(map) as { sources: string[] };
  return JSON.stringify({ ...parsed, sources: parsed.sources.map((source) => moved(source).split(sep).join("/")) });
}

/** `a/b/c.mjs` with its map, `a` and `a/b`. */
function withFolders(path: string): string[] {
  const parts = path.split("/");
  return [...parts.map((_, at) => parts.slice(0, at + 1).join("/")), `${path}.map`];
}

/** P3. `own`: what lies there by itself, and the folders above it. */
async function linkRest(from: string, to: string, own: ReadonlySet<string>, below = ""): Promise<void> {
  for (const entry of await readdir(join(from, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (!own.has(path)) await symlink(join(from, path), join(to, path));
    else if (entry.isDirectory()) {
      await mkdir(join(to, path), { recursive: true });
      await linkRest(from, to, own, path);
    }
  }
}
