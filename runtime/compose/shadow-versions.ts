// Versions of handlers, ready to be run beside each other: each place with a bundler and workers of its own. Nothing is left
// running.

import type { ResolvedConfig } from "../config/resolved-config.ts";
import { RuntimeError } from "../errors.ts";
import { yieldToOthers } from "../isolate/priority.ts";
import { startReaper } from "../isolate/reaper.ts";
import { didYouMean } from "../metadata/nearest.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import type { VersionSource } from "../shadow/version-run.ts";
import { Stores } from "../stores/stores.ts";
import { KeptPrograms } from "../versions/kept-programs.ts";
import type { ProgramPlace } from "../versions/program.ts";
import { openVersionStore } from "../versions/version-store.ts";
import { createTools, type Tools, type ToolsOptions, wantedBy } from "./tools.ts";
import { explainVersions, versionsDir } from "./versions.ts";

/** Of `emit`: told of trouble with the workers. */
export type VersionPlace = Pick<ToolsOptions, "config" | "environment" | "clock" | "emit" | "build"> & {
  /** For what handlers read from buckets, and for versions that are kept. */
  readonly connection: NatsConnection;
  /** In words, for errors: `the working tree`, `the build in /srv/before`. */
  readonly where: string;
  /** A version that is kept of the handlers, or how it begins, instead of what lies there. */
  readonly kept?: KeptPlace | undefined;
};

export interface KeptPlace {
  readonly copies: number;
  readonly version: string;
  /** Of nats-handlers. */
  readonly runtime: string;
}

export interface OpenedPlace {
  /** Of the handlers that the configuration wants, sorted. */
  readonly names: readonly string[];
  /** Throws HANDLER_NOT_FOUND. */
  sourceOf(handler: string): VersionSource;
  /** The same, of that version which is kept. */
  keptSourceOf(handler: string, kept: KeptPlace): VersionSource;
  close(): Promise<void>;
}

/** What `use` does with the places, in their order. Rejects as `use` does. */
export async function withPlaces<T>(
  places: readonly VersionPlace[],
  use: (opened: OpenedPlace[]) => Promise<T>,
): Promise<T> {
  // What serves on the same machine comes first.
  yieldToOthers(process.pid);
  const opened: { close(): Promise<void> }[] = [];
  const reaper = startReaper({ emit: places[0]!.emit });
  try {
    const ready: OpenedPlace[] = [];
    for (const place of places) {
      const tools = await createTools({ ...place, yields: true }, reaper, 1);
      opened.push(tools);
      ready.push(await openedPlace(place, tools));
      opened.push(ready.at(-1)!);
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
  return withPlaces(places, (opened) => {
    const sources = opened.map((place, at) => {
      const { kept } = places[at]!;
      return kept === undefined ? place.sourceOf(handler) : place.keptSourceOf(handler, kept);
    });
    return use(sources);
  });
}

/** What `use` does with the versions that are kept of one handler. Rejects as above. */
export function withKeptVersions<T>(
  handler: string,
  { runtime, copies, ...place }: VersionPlace & Pick<KeptPlace, "runtime" | "copies">,
  use: (sourceOf: (version: string) => VersionSource) => Promise<T>,
): Promise<T> {
  return withPlaces([place], ([opened]) =>
    use((version) => opened!.keptSourceOf(handler, { copies, version, runtime })),
  );
}

async function openedPlace(
  { config, environment, clock, emit, connection, where }: VersionPlace,
  { discover, bundler, pool, known, place }: Tools,
): Promise<OpenedPlace> {
  const { files } = await discover();
  const { app, rootDir, defaults, startTimeoutMs, killGraceMs } = config;
  const limits = { defaults, startTimeoutMs, killGraceMs };
  const state = new ConnectionState(connection, clock);
  const stores = new Stores({ connection, state, app, provision: false, copies: 1, clock, emit });
  const names = files.map(({ name }) => name).filter(wantedBy(config));
  const store: VersionSource["store"] = (call) => stores.call(call);
  const common = { app, pool, rootDir, ...limits, environment, store, clock };
  const fileOf = (handler: string) => {
    const file = files.find(({ name }) => name === handler);
    if (file === undefined) throw notThere(handler, where, names);
    return file;
  };
  const laidOut = new Set<KeptPrograms>();
  return {
    names,
    sourceOf: (handler) => ({ ...common, file: fileOf(handler), bundler, known: known(handler) }),
    keptSourceOf(handler, { copies, version, runtime }) {
      const programs = keptPrograms({ connection, config, copies, place, runtime });
      return {
        ...common,
        file: fileOf(handler),
        known: undefined,
        bundler: {
          async build({ name, path: input }) {
            const opened = await programs;
            laidOut.add(opened);
            const { path, preload, sizeBytes, ...kept } = await opened.layOut(name, version);
            const code = { path, preload, companions: [], inputs: [input], sizeBytes };
            return { ok: true, bundle: { handler: name, version: kept.version, ...code }, warnings: [] };
          },
        },
      };
    },
    async close() {
      for (const programs of laidOut) await programs.close();
    },
  };
}

interface KeptHere extends Pick<KeptPlace, "copies" | "runtime"> {
  readonly connection: NatsConnection;
  readonly config: ResolvedConfig;
  readonly place: ProgramPlace;
}

/** What was built is tried in the project as in its build: it lies there in the same way. */
async function keptPrograms({ connection, config, copies, place, runtime }: KeptHere): Promise<KeptPrograms> {
  const { app, rootDir } = config;
  const store = await openVersionStore(connection, app, copies);
  const inBuild: ProgramPlace = { made: "build", dir: rootDir, rootDir, runtime };
  const places = [place, inBuild];
  return new KeptPrograms({ store, places, dir: versionsDir(config), explain: explainVersions(connection, app) });
}

function notThere(handler: string, where: string, names: readonly string[]): RuntimeError {
  return new RuntimeError("HANDLER_NOT_FOUND", `there is no handler "${handler}" in ${where}`, {
    handler,
    remedy: didYouMean(handler, names).trim() || "`handlers list` shows those of the working tree.",
  });
}
