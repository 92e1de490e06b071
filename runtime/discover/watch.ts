// Notice every change to the files that handlers are made of, as soon as it happens.
//
// W1  Under-reporting is a defect; over-reporting is not. The receiver scans again and compares.
// W2  Every raw event of the operating system counts, because chokidar's own events come later and withhold a second
//     write for 50 ms. Chokidar's events count as well: they tell of files that were in a new folder before it was
//     watched, and of files that went away with their folder. Its word of a change that the raw one has told of is an echo.
// W3  A file that is empty may have been truncated just now and be about to be written: it is given a moment.
// W4  When a symlink changes, everything may have changed (container mounts swap one link for all files).
// W5  The handlers folder itself may be a symlink, or not exist yet: its name is watched from the folder above.
// W6  What is followed from now on may have changed between the last look at it and the first that is noticed: it is looked at
//     once more, a moment later.
import { type FSWatcher as NodeWatcher, watch as watchFolder } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { FSWatcher } from "chokidar";
import type { Clock, Timer } from "../clock.ts";
import { gatherBursts } from "./burst.ts";
import { Echoes } from "./echoes.ts";
import { EmptyFiles } from "./empty-files.ts";
import { changedAtMs, isLink, leadsToFolder } from "./file-stats.ts";

export interface WatchOptions {
  /** Absolute. */
  readonly handlersDir: string;
  readonly clock: Clock;
  /** Absolute paths of files and folders that may have been made, changed or removed. */
  readonly onChange: (paths: ReadonlySet<string>) => void;
  /** The watch itself failed; changes may be missed from here on. */
  readonly onError?: (error: Error) => void;
}

export interface FileWatch {
  /** Resolves when every change from here on will be noticed. Never rejects. */
  readonly ready: Promise<void>;
  /** Watch these absolute paths too, whether they exist yet or not. Paths inside the handlers folder are watched anyway. */
  follow(paths: Iterable<string>): void;
  unfollow(paths: Iterable<string>): void;
  /** Calling twice is safe. */
  close(): Promise<void>;
}

const QUIET_MS = 2;
const LONGEST_BURST_MS = 25;
/** W6: how long before, and how much later. */
const UNSEEN_MS = 250;
const SECOND_LOOK_MS = 100;
const NEVER_WATCHED = /(^|[\\/])(node_modules|\.git|\.hg|\.svn)([\\/]|$)/;

export function watchFiles({ handlersDir, clock, onChange, onError = () => {} }: WatchOptions): FileWatch {
  const followed = new Set<string>();
  const links = new Set<string>();
  const secondLooks = new Set<Timer>();
  const echoes = new Echoes(clock);
  const burst = gatherBursts({ clock, quietMs: QUIET_MS, longestMs: LONGEST_BURST_MS, onBurst: report });
  const empty = new EmptyFiles(clock, (path) => {
    if (!closed) burst.add(path);
  });
  const end = Promise.withResolvers<void>();
  let closed = false;
  let watcher = open();
  const ready = whenReady().then(rememberLinks);
  let reopening = ready;
  const parentWatch = watchName(handlersDir, () => burst.add(handlersDir), onError);

  function open(): FSWatcher {
    const opened = new FSWatcher({
      ignoreInitial: true,
      atomic: false,
      awaitWriteFinish: false,
      ignored: (path) => isInside(handlersDir, path) && NEVER_WATCHED.test(relative(handlersDir, path)),
    });
    opened.on("raw", (_event, name, details) => noticeRaw(details, name));
    opened.on("all", (event, path, stats) => {
      if (event !== "change" || !echoes.isEcho(path, stats?.ctimeMs)) burst.add(path);
    });
    opened.on("error", (error) => onError(error instanceof Error ? error : new Error(String(error))));
    opened.add([handlersDir, ...followed]);
    return opened;
  }

  /** Or when the watch is closed: chokidar forgets its listeners then. */
  function whenReady(): Promise<void> {
    const isReady = new Promise<void>((resolve) => watcher.once("ready", () => resolve()));
    return Promise.race([isReady, end.promise]);
  }

  /** Chokidar goes on watching what a swapped link led to before: it is replaced, and what it missed is reported. */
  async function reopen() {
    await watcher.close();
    if (closed) return;
    watcher = open();
    await whenReady();
    await rememberLinks();
    await reportEverything(new Set([handlersDir]));
  }

  function noticeRaw(details: unknown, name: unknown) {
    const folder = watchedPathOf(details);
    if (folder === undefined) return;
    const path = typeof name === "string" && name !== "" ? join(folder, name) : folder;
    if (basename(folder) === name) burst.add(folder); // a watched file reports itself by its own name
    if (NEVER_WATCHED.test(relative(handlersDir, path))) return;
    echoes.heard(path);
    burst.add(path);
  }

  function report(paths: Set<string>) {
    if (closed || paths.size === 0) return;
    echoes.forgetOld();
    for (const path of paths) if (empty.holdBack(path)) paths.delete(path);
    const changedLinks = [...paths].filter(isOrWasLink);
    if (changedLinks.some(leadsToFolder)) reopening = reopening.then(reopen).catch(onError);
    if (changedLinks.length > 0) void reportEverything(paths);
    else if (paths.size > 0) onChange(paths);
  }

  function isOrWasLink(path: string): boolean {
    const was = links.has(path);
    const is = isLink(path);
    if (is) links.add(path);
    else links.delete(path);
    return was || is;
  }

  async function reportEverything(paths: Set<string>) {
    for (const path of [...followed, ...(await listBelow(handlersDir))]) paths.add(path);
    if (closed) return;
    onChange(paths);
  }

  /** W6 */
  function lookAgain(paths: readonly string[]) {
    const sinceMs = clock.nowMs() - UNSEEN_MS;
    const timer = clock.after(SECOND_LOOK_MS, () => {
      secondLooks.delete(timer);
      for (const path of paths) if (followed.has(path) && changedAtMs(path) >= sinceMs) burst.add(path);
    });
    secondLooks.add(timer);
  }

  async function rememberLinks() {
    for (const path of [handlersDir, ...(await listBelow(handlersDir))]) if (isLink(path)) links.add(path);
  }

  return {
    ready,
    follow(paths) {
      const fresh = [...paths].filter((path) => !followed.has(path) && !isWatchedAnyway(handlersDir, path));
      for (const path of fresh) followed.add(path);
      if (watcher.closed || fresh.length === 0) return;
      watcher.add(fresh);
      lookAgain(fresh);
    },
    unfollow(paths) {
      const stale = [...paths].filter((path) => followed.delete(path));
      if (!watcher.closed && stale.length > 0) watcher.unwatch(stale);
    },
    async close() {
      closed = true;
      end.resolve();
      burst.cancel();
      for (const timer of secondLooks) timer.cancel();
      parentWatch?.close();
      await watcher.close();
      await reopening;
    },
  };
}

/** W5. Without a folder above (it does not exist yet) chokidar's own waiting has to do. */
function watchName(path: string, onEvent: () => void, onError: (error: Error) => void): NodeWatcher | undefined {
  try {
    const watch = watchFolder(dirname(path), (_event, name) => {
      if (name === null || name === basename(path)) onEvent();
    });
    watch.on("error", onError);
    return watch;
  } catch {
    return undefined;
  }
}

async function listBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries.map((entry) => join(entry.parentPath, entry.name));
    return paths.filter((path) => !NEVER_WATCHED.test(relative(folder, path)));
  } catch {
    return []; // gone meanwhile; its removal is an event of its own
  }
}

function isWatchedAnyway(handlersDir: string, path: string): boolean {
  return isInside(handlersDir, path) && !NEVER_WATCHED.test(relative(handlersDir, path));
}

function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

function watchedPathOf(details: unknown): string | undefined {
  if (typeof details !== "object" || details === null || !("watchedPath" in details)) return undefined;
  return typeof details.watchedPath === "string" ? details.watchedPath : undefined;
}
