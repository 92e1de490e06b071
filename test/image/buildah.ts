// Debian's `buildah` without a container engine: images are built and run as plain files in a storage of our own.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const LARGEST_OUTPUT = 64 * 1024 ** 2;

export interface Buildah {
  /** Run it and give what it printed. Rejects with what it complained of. */
  (args: readonly string[], options?: { readonly show?: boolean }): Promise<string>;
  /** Start it, for what goes on. */
  start(args: readonly string[]): ChildProcess;
}

export async function isThere(program: string): Promise<boolean> {
  return run(program, ["--version"]).then(
    () => true,
    () => false,
  );
}

/** `storageDir` holds everything it keeps. */
export function buildahIn(storageDir: string): Buildah {
  const global = ["--root", `${storageDir}/root`, "--runroot", `${storageDir}/run`, "--storage-driver", "vfs"];
  const env = { ...process.env, BUILDAH_ISOLATION: "chroot", BUILDAH_FORMAT: "docker" };
  const buildah = async (args: readonly string[], { show = false } = {}) => {
    if (show) return shown([...global, ...args], env);
    const { stdout } = await run("buildah", [...global, ...args], { env, maxBuffer: LARGEST_OUTPUT });
    return stdout.trim();
  };
  return Object.assign(buildah, {
    start: (args: readonly string[]) =>
      spawn("buildah", [...global, ...args], { env, stdio: ["ignore", "pipe", "pipe"] }),
  });
}

function shown(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("buildah", args, { env, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve("") : reject(new Error(`buildah ended with ${code}`))));
  });
}
