// The manifest of a build whose handlers have all been looked at.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Bundle } from "../bundle/bundle.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { MANIFEST } from "./layout.ts";
import {
  type BuiltHandler,
  type BuiltModule,
  type CopiedPackage,
  FORMAT,
  type Manifest,
  thisPlatform,
} from "./manifest.ts";
import type { PackedProgram } from "./pack-programs.ts";
import { hashInputs } from "./sources-since.ts";

export interface GoodHandler {
  readonly name: string;
  readonly file: string;
  readonly metadata: ResolvedMetadata;
  readonly bundle: Bundle;
}

export interface ManifestRequest {
  readonly rootDir: string;
  readonly outDir: string;
  readonly runtimeVersion: string;
  readonly defaults: HandlerDefaults;
  readonly config: Manifest["config"];
  /** Absolute paths of what the configuration was built from. */
  readonly configInputs: readonly string[];
  readonly preload: readonly string[];
  readonly handlers: readonly GoodHandler[];
  readonly groups: readonly PackedProgram[];
  readonly copied: readonly CopiedPackage[];
}

export async function writeManifest(request: ManifestRequest): Promise<Manifest> {
  const { rootDir, outDir, runtimeVersion, defaults, config, configInputs, preload, handlers, groups, copied } =
    request;
  const manifest: Manifest = {
    format: FORMAT,
    runtime: runtimeVersion,
    packageName: packageNameOf(rootDir),
    config,
    defaults,
    preload,
    handlers: handlers.map((handler) => builtHandler(handler, rootDir, outDir)),
    groups: groups.map(({ name, bundle }) => builtModule(name, bundle, outDir)),
    copied,
    platform: copied.some(({ native }) => native) ? thisPlatform() : null,
    inputs: hashInputs(rootDir, [...configInputs, ...handlers.flatMap(({ bundle }) => bundle.inputs)]),
  };
  await writeFile(join(outDir, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function builtHandler({ name, file, metadata, bundle }: GoodHandler, rootDir: string, outDir: string): BuiltHandler {
  const sources = bundle.inputs.map((input) => pathFrom(rootDir, input)).sort();
  return { ...builtModule(name, bundle, outDir), file, inputs: sources, metadata };
}

function builtModule(name: string, { version, sizeBytes, path }: Bundle, outDir: string): BuiltModule {
  return { name, bundle: pathFrom(outDir, path), version, sizeBytes };
}

function pathFrom(folder: string, path: string): string {
  return relative(folder, path).split(sep).join("/");
}

function packageNameOf(rootDir: string): string | null {
  try {
    const { name } = JSON.parse(readFileSync(join(rootDir, "package.json"), "utf8")) as { name?: unknown };
    return typeof name === "string" ? name : null;
  } catch {
    return null; // no package: the app is named by its configuration, or by the folder it runs in
  }
}
