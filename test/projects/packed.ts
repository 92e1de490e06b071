// The package as it is published, and what is run with it.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const QUIETLY = ["--no-audit", "--no-fund"];

/** npm of this machine, with the Node that runs the tests. */
export const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NATS_|NODE_OPTIONS|VITEST)/.test(name))),
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
  NO_COLOR: "1",
};

/** Returns what it printed. Throws when it ends with another code than 0. */
export function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}:\n${stdout}\n${stderr}`);
  return stdout;
}

/** Makes it in the folder; returns its path. */
export function packedIn(folder: string): string {
  run(ROOT, "npm", "pack", "--pack-destination", folder);
  return join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
}
