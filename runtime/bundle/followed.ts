// The files beside its sources that decide how a handler is built: they are followed like sources.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TsConfig, tsconfigOf } from "./tsconfig.ts";

/** What was found by folder: it serves as long as no file changes. */
export interface FoundSettings {
  readonly configs: Map<string, TsConfig>;
  readonly manifests: Map<string, string[]>;
}

export function noSettingsYet(): FoundSettings {
  return { configs: new Map(), manifests: new Map() };
}

/** tsconfig.json with all it extends, and package.json where it has `imports`, of each of these sources. */
export function settingsOf(sources: readonly string[], { configs, manifests }: FoundSettings): string[] {
  const folders = [...new Set(sources.map((path) => dirname(path)))];
  const found = folders.flatMap((folder) => [...tsconfigOf(folder, configs).files, ...manifestOf(folder, manifests)]);
  return [...new Set(found)];
}

function manifestOf(folder: string, known: Map<string, string[]>): string[] {
  const found = known.get(folder);
  if (found !== undefined) return found;
  const path = join(folder, "package.json");
  const above = dirname(folder);
  const manifest = existsSync(path)
    ? hasImports(path)
      ? [path]
      : []
    : above === folder
      ? []
      : manifestOf(above, known);
  known.set(folder, manifest);
  return manifest;
}

function hasImports(path: string): boolean {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { imports?: unknown }).imports !== undefined;
  } catch {
    return true; // being written
  }
}
