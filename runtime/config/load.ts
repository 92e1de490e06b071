// From the project's root to its configuration: find and evaluate the file, then weigh it with flags and environment.

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { evaluateConfigFile } from "./evaluate-file.ts";
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
}

/** Throws CONFIG_UNREADABLE when the file cannot be had, CONFIG_INVALID with every problem there is. Connects to nothing. */
export async function loadConfig({
  rootDir: root,
  mode,
  flags,
  configPath,
  env,
}: LoadRequest): Promise<ResolvedConfig> {
  const rootDir = resolve(root);
  const file = await evaluateConfigFile({ rootDir, stateDir: join(rootDir, ".handlers"), path: configPath });
  const packageName = packageNameIn(rootDir);
  return resolveConfig({ rootDir, mode, flags, env, file, packageName, homeDir: env.HOME || homedir(), readText });
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
