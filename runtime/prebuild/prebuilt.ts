// A build as the supervisor wants its handlers: found, bundled and known already. Nothing is built, watched or evaluated.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import { programName } from "../bundle/group-program.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { ScanResult } from "../discover/scan.ts";
import { RuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { WORKER_ENTRY, WORKER_PRELOAD } from "./layout.ts";
import { type BuiltHandler, type BuiltModule, type Manifest, readManifest } from "./manifest.ts";

export interface Prebuilt {
  /** Absolute. */
  readonly dir: string;
  /** Absolute: where its source maps say that the project lies. */
  readonly sourcesDir: string;
  readonly manifest: Manifest;
  /** Path of the module a worker is started with. */
  readonly workerEntry: string;
  /** URLs of what a worker loads while it waits for its handler. */
  readonly workerPreload: readonly string[];
  readonly discover: () => Promise<ScanResult>;
  readonly known: (handler: string) => ResolvedMetadata | undefined;
  /** Hands out what was built. Its files belong to the build: nothing is ever deleted. */
  readonly bundler: Bundler;
}

/** Throws BUILD_UNUSABLE. `rootDir`: where handlers run, absolute. */
export function openBuild(dir: string, rootDir: string, runtimeVersion: string): Prebuilt {
  const manifest = readManifest(dir, runtimeVersion);
  const handlers = new Map(manifest.handlers.map((handler) => [handler.name, handler]));
  const files = manifest.handlers.map((handler) => fileOf(handler, rootDir));
  return {
    dir,
    sourcesDir: dirname(dir),
    manifest,
    workerEntry: join(dir, WORKER_ENTRY),
    workerPreload: [join(dir, WORKER_PRELOAD)].filter(existsSync).map((path) => pathToFileURL(path).href),
    discover: async () => ({ files, conflicts: [], problems: [] }),
    known: (handler) => handlers.get(handler)?.metadata,
    bundler: {
      async build({ name }) {
        const handler = handlers.get(name);
        if (handler === undefined) return { ok: false, error: notBuilt(name, dir), inputs: [] };
        return { ok: true, bundle: bundleOf(handler, manifest, dir), warnings: [] };
      },
      async program(group) {
        const built = manifest.groups.find(({ name }) => name === group);
        if (built === undefined) return { ok: false, error: notBuilt(programName(group), dir), inputs: [] };
        return { ok: true, bundle: bundleOf({ ...built, name: programName(group) }, manifest, dir), warnings: [] };
      },
      retire: async () => undefined,
      forget: async () => undefined,
      rest: async () => undefined,
      close: async () => undefined,
    },
  };
}

function fileOf({ name, file }: BuiltHandler, rootDir: string): HandlerFile {
  return { name, path: resolve(rootDir, file), displayPath: file };
}

function bundleOf({ name, version, bundle, sizeBytes }: BuiltModule, { preload }: Manifest, dir: string): Bundle {
  const inDir = (path: string) => join(dir, path);
  const paths = { path: inDir(bundle), preload: preload.map(inDir) };
  return { handler: name, version, ...paths, companions: [], inputs: [], sizeBytes };
}

function notBuilt(handler: string, dir: string): RuntimeError {
  return new RuntimeError("BUNDLE_FAILED", `handler "${handler}" is not in the build in ${dir}`, { handler });
}
