// From the project's root to its configuration: find and evaluate the file, then weigh it with flags and environment.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { homeFolder } from "../home-folder.ts";
import { stateFolderOf } from "../state-folder.ts";
import { evaluateBuiltConfig, evaluateConfigFile } from "./evaluate-file.ts";
import { resolveConfig } from "./resolve.ts";
import type { ResolvedConfig } from "./resolved-config.ts";
import type { ConfigFlags, Environment } from "./spoken-settings.ts";

export interface LoadRequest {
  readonly rootDir: string;
  readonly mode: "dev" | "start";
  readonly flags: ConfigFlags;
  /** From `--config`: absolute, or from the root. */
  readonly configPath: string | undefined;
  readonly env: Environment;
  /** Read the configuration from a build instead of the root. */
  readonly built?: BuiltProject | undefined;
  /** In place of the file's default export. */
  readonly value?: unknown;
}

/** What a build says of the project it was made from. */
export interface BuiltProject {
  readonly packageName: string | undefined;
  /** Path of the built configuration, and of its source from the root; undefined: there is none. */
  readonly config: { readonly path: string; readonly displayPath: string } | undefined;
}

/** Throws CONFIG_UNREADABLE when the file cannot be had, CONFIG_INVALID with every problem there is. Connects to nothing. */
export async function loadConfig({
  rootDir: root,
  mode,
  flags,
  configPath,
  env,
  built,
  value,
}: LoadRequest): Promise<ResolvedConfig> {
  const rootDir = resolve(root);
  const stateDir = stateFolderOf(rootDir);
  // What is named on the command line is meant, also beside a build.
  const file =
    value !== undefined
      ? { path: rootDir, displayPath: "the configuration given", source: "", value, inputs: [] }
      : built === undefined || configPath !== undefined
        ? await evaluateConfigFile({ rootDir, stateDir, path: configPath })
        : await evaluateBuiltConfig(built.config, rootDir);
  const packageName = built === undefined ? packageNameIn(rootDir) : built.packageName;
  return resolveConfig({ rootDir, stateDir, mode, flags, env, file, packageName, homeDir: homeFolder(env), readText });
}

function packageNameIn(rootDir: string): string | undefined {
  try {
    const { name } = JSON.parse(readText(join(rootDir, "package.json")) ?? "{}") as { name?: unknown };
    return typeof name === "string" ? name : undefined;
  } catch {
    // A broken package.json is npm's to complain about: the folder's name serves.
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Missing or forbidden: whoever needs the file says so.
    return undefined;
  }
}
