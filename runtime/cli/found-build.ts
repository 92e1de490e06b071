// The build that `start` serves: the one named, else the one of `handlers build` in the project's folder, else none.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { BuiltProject } from "../config/load.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { scan } from "../discover/scan.ts";
import type { Emit } from "../events.ts";
import { BUILD_DIR, MANIFEST } from "../prebuild/layout.ts";
import { openBuild, type Prebuilt } from "../prebuild/prebuilt.ts";
import { changedSince } from "../prebuild/sources-since.ts";
import { packageVersion } from "./package-version.ts";

export interface BuildChoice {
  /** From the command line, or else the environment. */
  readonly named: string | undefined;
  readonly fromSources: boolean;
  readonly cwd: string;
  readonly rootDir: string;
}

/** Undefined: the sources are to be served. Throws BUILD_UNUSABLE, also for one that was not named. */
export function findBuild({ named, fromSources, cwd, rootDir }: BuildChoice): Prebuilt | undefined {
  if (fromSources) return undefined;
  const dir = named ? resolve(cwd, named) : join(rootDir, BUILD_DIR);
  if (!named && !existsSync(join(dir, MANIFEST))) return undefined;
  return openBuild(dir, rootDir, packageVersion());
}

/** What a build says of its project, for the configuration. */
export function builtProject({ dir, manifest: { packageName, config } }: Prebuilt): BuiltProject {
  return {
    packageName: packageName ?? undefined,
    config: config === null ? undefined : { path: join(dir, config.bundle), displayPath: config.file },
  };
}

const MOST_NAMED = 5;

/** A line about what is served; a warning when the sources are there and have gone on. */
export async function tellBuild({ dir, manifest }: Prebuilt, config: ResolvedConfig, emit: Emit): Promise<void> {
  const count = manifest.handlers.length;
  const served = `serving the build in ${dir}: ${count} handler${count === 1 ? "" : "s"}`;
  emit({ type: "runtime.notice", level: "info", message: served });
  // Beside its sources only: in a container there are none, and what else lies there is nobody's business.
  if (dirname(dir) !== config.rootDir) return;
  const changed = changedSince(manifest, config.rootDir, await scan(config.rootDir, config.handlersDir));
  if (changed.length === 0) return;
  const named = changed.slice(0, MOST_NAMED).join(", ") + (changed.length > MOST_NAMED ? ", ..." : "");
  const message = `the sources have changed since the build was made: ${named}. Run \`handlers build\`, or start with --from-sources`;
  emit({ type: "runtime.notice", level: "warn", message });
}
