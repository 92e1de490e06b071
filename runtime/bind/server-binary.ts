// Finds a nats-server to run, or gets one: what the user names, what is installed, what was fetched before, the official
// release, the system's package. A real server always; never an imitation.

import { access, constants, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Clock } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import { runCommand } from "./run-command.ts";
import {
  compareVersions,
  type Probe,
  type ProbeBinary,
  type ServerBinary,
  type ServerCache,
  serverCache,
} from "./server-cache.ts";
import { downloadRelease, OFFICIAL_RELEASE, type ReleaseSource } from "./server-download.ts";
import { unpackServerPackage } from "./server-package.ts";

export interface FindServerOptions {
  readonly clock: Clock;
  /** Told in one line each what is tried, and why it failed. */
  readonly onProgress: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly release?: ReleaseSource;
  /** Searched after PATH: Debian installs daemons where an ordinary user's PATH does not look. */
  readonly systemFolders?: readonly string[];
}

const INSTALLED = "nats-server on PATH";
const CACHED = "binary fetched before";

/** The client's pull consumers need it. */
export const OLDEST_SERVER = "2.9.4";

const REMEDY =
  "Install it (`brew install nats-server`, or `apt install nats-server`), name one with HANDLERS_NATS_SERVER=/path/to/nats-server, or set NATS_URL to a running server.";

/**
 * The binary to run. Rejects with NATS_SERVER_UNAVAILABLE, which lists everything tried with its reason.
 *
 * HANDLERS_NATS_SERVER names the binary and ends the search. Several processes may call this at once: they share the
 * cache, and the first to finish fills it.
 */
export async function findServerBinary(options: FindServerOptions): Promise<ServerBinary> {
  const {
    clock,
    onProgress,
    env = process.env,
    release = OFFICIAL_RELEASE,
    systemFolders = ["/usr/sbin", "/usr/local/sbin"],
  } = options;
  const probe = (path: string) => probeBinary(path, env, clock);
  const named = env.HANDLERS_NATS_SERVER;
  if (named !== undefined && named !== "") return probeNamed(named, probe);

  const cache = serverCache({ cacheRoot: cacheFolder(env), probe, clock });
  const failures: string[] = [];
  const attempts: readonly (readonly [string, () => Promise<Probe>])[] = [
    [INSTALLED, () => probeInstalled([...pathFolders(env), ...systemFolders], probe)],
    [CACHED, () => cache.read()],
    [`official release v${release.version}`, () => fetchRelease(cache, release, options)],
    ["Debian or Ubuntu package", () => fetchPackage(cache, options, env)],
  ];
  for (const [what, attempt] of attempts) {
    const found = await attempt();
    if (found.kind === "usable") return found.binary;
    failures.push(`  ${what}: ${found.why}`);
    // What is only looked up is not worth a line; what takes seconds or the network is.
    if (what !== INSTALLED && what !== CACHED) onProgress(`${what}: ${found.why}`);
  }
  throw new RuntimeError("NATS_SERVER_UNAVAILABLE", `no nats-server to run; tried\n${failures.join("\n")}`, {
    remedy: REMEDY,
  });
}

async function probeBinary(path: string, env: NodeJS.ProcessEnv, clock: Clock): Promise<Probe> {
  const end = await runCommand({ command: path, args: ["--version"], env, limitMs: 10_000, clock });
  if (end.kind === "failed") return end;
  const version = /v(\d+\.\d+\.\d+)/.exec(end.output)?.[1];
  if (version === undefined)
    return { kind: "failed", why: `${path} --version says "${end.output.trim().slice(0, 80)}"` };
  if (compareVersions(version, OLDEST_SERVER) < 0) {
    return { kind: "failed", why: `${path} is version ${version}; ${OLDEST_SERVER} or newer is needed` };
  }
  return { kind: "usable", binary: { path, version } };
}

async function probeNamed(named: string, probe: ProbeBinary): Promise<ServerBinary> {
  const found = await probe(named);
  if (found.kind === "usable") return found.binary;
  throw new RuntimeError("NATS_SERVER_UNAVAILABLE", `HANDLERS_NATS_SERVER="${named}" cannot be used: ${found.why}`, {
    remedy: "Correct HANDLERS_NATS_SERVER, or unset it to have a nats-server found.",
  });
}

async function probeInstalled(folders: readonly string[], probe: ProbeBinary): Promise<Probe> {
  let why = "not there";
  for (const folder of new Set(folders)) {
    const path = join(folder, "nats-server");
    if (folder === "" || !(await isExecutable(path))) continue;
    const found = await probe(path);
    if (found.kind === "usable") return found;
    why = found.why;
  }
  return { kind: "failed", why };
}

async function fetchRelease(cache: ServerCache, release: ReleaseSource, options: FindServerOptions): Promise<Probe> {
  options.onProgress(`getting nats-server v${release.version} from ${release.baseUrl}`);
  const download = await downloadRelease(release, options.clock);
  if (download.kind === "failed") return download;
  return cache.fill(async (workDir) => {
    const path = join(workDir, "nats-server");
    await writeFile(path, download.binary);
    return { kind: "unpacked", path };
  });
}

async function fetchPackage(cache: ServerCache, options: FindServerOptions, env: NodeJS.ProcessEnv): Promise<Probe> {
  for (const tool of ["apt-get", "dpkg-deb"]) {
    const places = pathFolders(env).map((folder) => isExecutable(join(folder, tool)));
    if (!(await Promise.all(places)).includes(true)) return { kind: "failed", why: `${tool} is not on PATH` };
  }
  options.onProgress("getting nats-server from the package of this system with apt-get (nothing is installed)");
  return cache.fill((workDir) => unpackServerPackage({ workDir, env, clock: options.clock }));
}

function pathFolders(env: NodeJS.ProcessEnv): readonly string[] {
  return (env.PATH ?? "").split(delimiter);
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return env.HANDLERS_CACHE_DIR || join(base, "nats-handlers");
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
