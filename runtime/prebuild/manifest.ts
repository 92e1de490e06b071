// What `handlers build` has made: the one file that `handlers start` reads before it binds. Paths in it start from the
// build folder (`bundle`, `config`) or from the project's root (`file`, `inputs`), so that it is the same wherever it lies.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RuntimeError } from "../errors.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { MANIFEST } from "./layout.ts";

/** Goes up when an older runtime could not read it. */
export const FORMAT = 1;

export interface BuiltModule {
  readonly name: string;
  readonly bundle: string;
  readonly version: string;
  /** Source map excluded. */
  readonly sizeBytes: number;
}

export interface BuiltHandler extends BuiltModule {
  readonly file: string;
  readonly inputs: readonly string[];
  readonly metadata: ResolvedMetadata;
}

/** A package that is not bundled and lies in the build's `node_modules`. */
export interface CopiedPackage {
  readonly name: string;
  readonly version: string;
  /** Why it is not in the bundles: "contains build/Release/addon.node". */
  readonly reason: string;
  /** Whether it, or what it needs, runs on one platform only. */
  readonly native: boolean;
}

export interface Manifest {
  readonly format: number;
  /** Version of nats-handlers: the build brings the worker's program, which must fit the supervisor's. */
  readonly runtime: string;
  /** Of the project's package.json: the app's name where nothing else names it. */
  readonly packageName: string | null;
  /** The built configuration, and the file it was built from; null: the project has none. */
  readonly config: { readonly bundle: string; readonly file: string } | null;
  /** What the metadata was filled in with. */
  readonly defaults: HandlerDefaults;
  /** What every handler's process loads before its handler. */
  readonly preload: readonly string[];
  /** Sorted by name. */
  readonly handlers: readonly BuiltHandler[];
  /** The programs of groups. */
  readonly groups: readonly BuiltModule[];
  readonly copied: readonly CopiedPackage[];
  /** Operating system and processor the native packages run on: "linux-x64"; null without such packages. */
  readonly platform: string | null;
  /** Content hashes of the author's files it was made from. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** Throws BUILD_UNUSABLE when the folder holds no build that this runtime can serve. */
export function readManifest(buildDir: string, runtimeVersion: string): Manifest {
  const manifest = parse(buildDir);
  const { format, runtime, platform } = manifest;
  if (format !== FORMAT || runtime !== runtimeVersion) {
    throw unusable(buildDir, `was made by nats-handlers ${runtime}, and this is ${runtimeVersion}`);
  }
  if (platform !== null && platform !== thisPlatform()) {
    throw unusable(buildDir, `has native packages for ${platform}, and this is ${thisPlatform()}`);
  }
  return manifest;
}

export function thisPlatform(): string {
  return `${process.platform}-${process.arch}`;
}

function parse(buildDir: string): Manifest {
  const path = join(buildDir, MANIFEST);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Manifest;
  } catch (cause) {
    throw unusable(buildDir, `has no ${MANIFEST} that can be read: ${(cause as Error).message}`, cause);
  }
}

function unusable(buildDir: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError("BUILD_UNUSABLE", `the build in ${buildDir} ${why}`, {
    remedy: "Run `handlers build` again, or start with --from-sources.",
    cause,
  });
}
