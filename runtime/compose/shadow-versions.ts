// Two versions of a handler, ready to be run beside each other: each with a bundler and workers of its own. Nothing is left
// running.

import { RuntimeError } from "../errors.ts";
import { startReaper } from "../isolate/reaper.ts";
import { didYouMean } from "../metadata/nearest.ts";
import type { VersionSource } from "../shadow/version-run.ts";
import { createTools, type Tools, type ToolsOptions } from "./tools.ts";

/** Of `emit`: told of trouble with the workers. */
export type VersionPlace = Pick<ToolsOptions, "config" | "environment" | "clock" | "emit" | "build"> & {
  /** In words, for errors: `the working tree`, `the build in /srv/before`. */
  readonly where: string;
};

export interface VersionsRequest {
  readonly handler: string;
  readonly places: readonly VersionPlace[];
  /** What they print. */
  readonly onOutput: (line: string) => void;
}

/** What `use` does with the versions, in the order of their places. Rejects with HANDLER_NOT_FOUND, and as `use` does. */
export async function withVersions<T>(
  { handler, places, onOutput }: VersionsRequest,
  use: (sources: VersionSource[]) => Promise<T>,
): Promise<T> {
  const opened: Tools[] = [];
  const reaper = startReaper({ emit: places[0]!.emit });
  try {
    const sources: VersionSource[] = [];
    for (const place of places) {
      const tools = await createTools(place, reaper, 1);
      opened.push(tools);
      sources.push({ ...(await sourceIn(place, tools, handler)), onOutput });
    }
    return await use(sources);
  } finally {
    for (const tools of opened) await tools.close();
    reaper.close();
  }
}

async function sourceIn(
  { config, environment, clock, where }: VersionPlace,
  { discover, bundler, pool, known }: Tools,
  handler: string,
): Promise<Omit<VersionSource, "onOutput">> {
  const { files } = await discover();
  const file = files.find(({ name }) => name === handler);
  if (file === undefined) {
    const names = files.map(({ name }) => name);
    throw new RuntimeError("HANDLER_NOT_FOUND", `there is no handler "${handler}" in ${where}`, {
      handler,
      remedy: didYouMean(handler, names).trim() || "`handlers list` shows those of the working tree.",
    });
  }
  const { rootDir, defaults, startTimeoutMs, killGraceMs } = config;
  const limits = { defaults, startTimeoutMs, killGraceMs };
  return { file, bundler, pool, known: known(handler), rootDir, ...limits, environment, clock };
}
