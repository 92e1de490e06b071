// Follows the configuration file while `dev` runs. What can be applied at once is the log level; for the rest the user
// is told what changed, because a running supervisor cannot change its app, its NATS or its streams without a gap.

import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { gatherBursts } from "../discover/burst.ts";

export interface ConfigWatchOptions {
  readonly config: ResolvedConfig;
  readonly clock: Clock;
  readonly load: () => Promise<ResolvedConfig>;
  /** The configuration now is another than at the last call, or than at the start. */
  readonly onChange: (config: ResolvedConfig, changed: readonly string[]) => void;
  /** It cannot be read any more. */
  readonly onError: (error: unknown) => void;
}

const QUIET_MS = 30;
const LONGEST_MS = 300;

export function watchConfig({ config, clock, load, onChange, onError }: ConfigWatchOptions): { close(): void } {
  const watchers = new Map<string, FSWatcher>();
  let last = config;
  let turn = Promise.resolve();
  let closed = false;
  const burst = gatherBursts({ clock, quietMs: QUIET_MS, longestMs: LONGEST_MS, onBurst: () => void look() });

  function look(): Promise<void> {
    turn = turn.then(async () => {
      if (closed) return;
      try {
        const now = await load();
        const changed = changedSettings(last, now);
        last = now;
        if (!closed) follow();
        if (changed.length > 0 && !closed) onChange(now, changed);
      } catch (error) {
        if (!closed) onError(error);
      }
    });
    return turn;
  }

  /** Folders, because editors save by moving a new file into the place of the old one. */
  function follow(): void {
    for (const folder of new Set([last.rootDir, ...last.configInputs.map((path) => dirname(path))])) {
      if (watchers.has(folder)) continue;
      const watcher = watch(folder, (_event, name) => {
        if (name === null || concerns(folder, name)) burst.add(`${folder}/${name}`);
      });
      watcher.on("error", onError);
      watchers.set(folder, watcher);
    }
  }

  function concerns(folder: string, name: string): boolean {
    const isInput = last.configInputs.some((path) => dirname(path) === folder && basename(path) === name);
    return isInput || /^handlers\.config\.m?[jt]s$/.test(name);
  }

  follow();
  return {
    close() {
      closed = true;
      burst.cancel();
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** The settings that differ, under the names the file has for them. */
export function changedSettings(before: ResolvedConfig, now: ResolvedConfig): string[] {
  const { configInputs: _, configFile: __, ...settings } = now;
  const differ = (Object.keys(settings) as (keyof typeof settings)[]).filter(
    (key) => !isDeepStrictEqual(before[key], now[key]),
  );
  return differ.map((key) => NAMES_IN_FILE[key] ?? key);
}

const NAMES_IN_FILE: Readonly<Partial<Record<keyof ResolvedConfig, string>>> = {
  handlersDir: "handlers",
  drainGraceMs: "drain",
  killGraceMs: "killGrace",
  startTimeoutMs: "startTimeout",
};
