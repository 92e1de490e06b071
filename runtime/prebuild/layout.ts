// What lies where in a build. It mirrors the project, so that what a handler says of its place stays true:
//
//   manifest.json                      what there is
//   config.mjs                         handlers.config.ts, built
//   handlers/todo/save.VERSION.mjs     one bundle for each handler, its source map beside
//   handlers/todo/mail.html            what lies among the handlers and is not code
//   groups/orders.VERSION.mjs          the program of a group: what its process runs
//   node_modules/                      packages that cannot be bundled
//   runtime/                           the runtime itself, with all it needs
//   handlers.mjs                       starts it

import { isAbsolute, join, posix, relative, sep } from "node:path";

export const MANIFEST = "manifest.json";
export const CONFIG = "config.mjs";
export const RUNTIME = "runtime";
export const LAUNCHER = "handlers.mjs";
/** Where a build lies unless told otherwise. Source maps count on it: their paths start here. */
export const BUILD_DIR = "build";

export const WORKER_ENTRY = join(RUNTIME, "worker", "entry.js");
/** What every worker loads before it is told of a handler; there is none where no handler has zod. */
export const WORKER_PRELOAD = join(RUNTIME, "preload.mjs");

/** The place of a source in the build, from the build folder with `/`. What lies outside the root is kept below `_up`. */
export function mirrored(rootDir: string, path: string): string {
  const below = relative(rootDir, path).split(sep).join("/");
  return isAbsolute(below) ? posix.join("_up", posix.basename(below)) : below.replaceAll(/(^|\/)\.\.(?=\/)/g, "$1_up");
}

/** The handler's bundle without its extension: its source's place. */
export function bundleStem(displayPath: string): string {
  return displayPath.replace(/\.(?:[mc]?[tj]s|[tj]sx)$/, "").replaceAll(/(^|\/)\.\.(?=\/)/g, "$1_up");
}
