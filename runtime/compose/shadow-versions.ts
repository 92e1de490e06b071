// Versions of handlers, ready to be run beside each other: each place with a bundler and workers of its own. Nothing is left
// running.

import { RuntimeError } from "../errors.ts";
import { startReaper } from "../isolate/reaper.ts";
import { didYouMean } from "../metadata/nearest.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import type { VersionSource } from "../shadow/version-run.ts";
import { Stores } from "../stores/stores.ts";
import { createTools, type Tools, type ToolsOptions, wantedBy } from "./tools.ts";

/** Of `emit`: told of trouble with the workers. */
export type VersionPlace = Pick<ToolsOptions, "config" | "environment" | "clock" | "emit" | "build"> & {
  /** For what handlers read from buckets. */
  readonly connection: NatsConnection;
  /** In words, for errors: `the working tree`, `the build in /srv/before`. */
  readonly where: string;
};

export interface OpenedPlace {
  /** Of the handlers that the configuration wants, sorted. */
  readonly names: readonly string[];
  /** Throws HANDLER_NOT_FOUND. */
  sourceOf(handler: string): VersionSource;
}

/** What `use` does with the places, in their order. Rejects as `use` does. */
export async function withPlaces<T>(
  places: readonly VersionPlace[],
  use: (opened: OpenedPlace[]) => Promise<T>,
): Promise<T> {
  const opened: Tools[] = [];
  const reaper = startReaper({ emit: places[0]!.emit });
  try {
    const ready: OpenedPlace[] = [];
    for (const place of places) {
      const tools = await createTools(place, reaper, 1);
      opened.push(tools);
      ready.push(await openedPlace(place, tools));
    }
    return await use(ready);
  } finally {
    for (const tools of opened) await tools.close();
    reaper.close();
  }
}

/** What `use` does with the versions of one handler. Rejects with HANDLER_NOT_FOUND, and as `use` does. */
export function withVersions<T>(
  handler: string,
  places: readonly VersionPlace[],
  use: (sources: VersionSource[]) => Promise<T>,
): Promise<T> {
  return withPlaces(places, (opened) => use(opened.map((place) => place.sourceOf(handler))));
}

async function openedPlace(
  { config, environment, clock, emit, connection, where }: VersionPlace,
  { discover, bundler, pool, known }: Tools,
): Promise<OpenedPlace> {
  const { files } = await discover();
  const { rootDir, defaults, startTimeoutMs, killGraceMs } = config;
  const limits = { defaults, startTimeoutMs, killGraceMs };
  const state = new ConnectionState(connection, clock);
  const stores = new Stores({ connection, state, provision: false, copies: 1, clock, emit });
  const names = files.map(({ name }) => name).filter(wantedBy(config));
  return {
    names,
    sourceOf(handler) {
      const file = files.find(({ name }) => name === handler);
      if (file === undefined) throw notThere(handler, where, names);
      return {
        file,
        bundler,
        pool,
        known: known(handler),
        rootDir,
        ...limits,
        environment,
        store: (call) => stores.call(call),
        clock,
      };
    },
  };
}

function notThere(handler: string, where: string, names: readonly string[]): RuntimeError {
  return new RuntimeError("HANDLER_NOT_FOUND", `there is no handler "${handler}" in ${where}`, {
    handler,
    remedy: didYouMean(handler, names).trim() || "`handlers list` shows those of the working tree.",
  });
}
