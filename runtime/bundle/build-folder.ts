// The built files: named by content, written atomically, gone when nobody needs them.
//
// F1  Every bundler has a folder of its own below the build folder, named `PID-NUMBER`, so that `handlers check` beside a
//     running `handlers dev` takes nothing away from it. Folders of processes that are gone are removed.
// F2  A file stays while one build that produced it has not been retired: a handler that goes back to earlier code gets
//     the same file name again.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Bundle } from "./bundle.ts";

export interface BuildFolder {
  /** Absolute path of this bundler's own folder. */
  readonly path: string;
  /** Write code and map; `code` gets the reference to its map. Resolves with the path of the code. */
  store(file: { handler: string; version: string; code: string; map: string }): Promise<string>;
  /** Write what is to be built and is nobody's file. Resolves with its path. */
  storeSource(name: string, source: string): Promise<string>;
  /** Note that `bundle` is in use until `retire`. */
  hold(bundle: Bundle): void;
  /** Delete the bundle's files unless a later build of the same code holds them. Twice is safe. */
  retire(bundle: Bundle): Promise<void>;
  /** Delete all files of a handler, held or not. */
  removeHandler(handler: string): Promise<void>;
  /** Delete the folder. */
  remove(): Promise<void>;
}

const ours = new Set<string>();
let opened = 0;
let written = 0;

export function openBuildFolder(buildDir: string): BuildFolder {
  removeLeftovers(buildDir);
  const folder = join(buildDir, `${process.pid}-${opened++}`);
  ours.add(basename(folder));
  mkdirSync(folder, { recursive: true });
  const holds = new Map<string, Set<Bundle>>();

  function holdersOf(path: string): Set<Bundle> {
    const holders = holds.get(path) ?? new Set();
    holds.set(path, holders);
    return holders;
  }

  async function removeFiles(path: string) {
    holds.delete(path);
    await Promise.all([rm(path, { force: true }), rm(`${path}.map`, { force: true })]);
  }

  return {
    path: folder,
    async store({ handler, version, code, map }) {
      const path = join(folder, `${fileNameOf(handler)}.${version}.mjs`);
      const linked = `${code}//# sourceMappingURL=${basename(path)}.map\n`;
      await Promise.all([writeAtomically(path, linked), writeAtomically(`${path}.map`, map)]);
      return path;
    },
    async storeSource(name, source) {
      const path = join(folder, fileNameOf(name));
      await writeAtomically(path, source);
      return path;
    },
    hold: (bundle) => void holdersOf(bundle.path).add(bundle),
    async retire(bundle) {
      const holders = holdersOf(bundle.path);
      const wasHeld = holders.delete(bundle);
      if (holders.size > 0) return;
      holds.delete(bundle.path);
      if (wasHeld) await removeFiles(bundle.path);
    },
    async removeHandler(handler) {
      const paths = [...holds].filter(([, held]) => [...held].some((bundle) => bundle.handler === handler));
      await Promise.all(paths.map(([path]) => removeFiles(path)));
    },
    async remove() {
      holds.clear();
      ours.delete(basename(folder));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `todo/save` as a file name: `todo__save`. */
export function fileNameOf(handler: string): string {
  return handler.replaceAll("/", "__");
}

/** 12 hex digits over the code and the handler's name; `local` is cut out first: what differs between machines. */
export function versionOf(handler: string, code: string, local: readonly string[]): string {
  const portable = local.reduce((text, part) => text.replaceAll(part, ""), code);
  return createHash("sha256").update(`${handler}\0${portable}`).digest("hex").slice(0, 12);
}

async function writeAtomically(path: string, contents: string) {
  // The same may be written twice at once: two modules of a handler may run one worker.
  const temporary = `${path}.${written++}.tmp`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

function removeLeftovers(buildDir: string) {
  for (const name of listFolder(buildDir)) {
    const pid = Number(/^(\d+)-\d+$/.exec(name)?.[1] ?? 0);
    const isInUse = pid === process.pid ? ours.has(name) : pid > 0 && isAlive(pid);
    if (!isInUse) rmSync(join(buildDir, name), { recursive: true, force: true });
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not made yet
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
