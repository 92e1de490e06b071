// Finds a nats-server to run, or gets one: what the user names, what is installed, what was fetched before, the official
// release, the system's package. A real server always; never an imitation.
//
// What was fetched before is used at once when it is as new as the pinned release; an older one only when the release cannot
// be had, so that `dev` has what production has.

import { access, constants, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Clock } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import { cacheFolders } from "./cache-folder.ts";
import { type MissedRelease, missedRelease } from "./missed-release.ts";
import { OFFICIAL_RELEASES, OLDEST_SUPPORTED, type Pin, type Releases, releasePlatform } from "./official-releases.ts";
import { type ServerCache, serverCache } from "./server-cache.ts";
import { downloadRelease } from "./server-download.ts";
import { unpackServerPackage } from "./server-package.ts";
import { binaryProbe, type Failed, type Probe, type ProbeBinary, type ServerBinary } from "./server-probe.ts";
import { isOlder } from "./version-order.ts";

export interface FindServerOptions {
  readonly clock: Clock;
  /** Told in one line each what is tried, why it failed, and when the server found is out of support. */
  readonly onProgress: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly releases?: Releases;
  /** As releases name it. */
  readonly platform?: string | undefined;
  /** Searched after PATH: Debian installs daemons where an ordinary user's PATH does not look. */
  readonly systemFolders?: readonly string[];
}

interface Attempt {
  readonly what: string;
  /** When its failure is told: at once is for what takes seconds, or the network. */
  readonly told: "at once" | "in the error" | "never";
  run(): Promise<Probe>;
}

const REMEDY = [
  "Install it (`brew install nats-server`, or `apt install nats-server`), name one with",
  "HANDLERS_NATS_SERVER=/path/to/nats-server, or set NATS_URL to a running server.",
  "HANDLERS_CACHE_DIR names the folder that keeps what is fetched.",
].join(" ");

/**
 * The binary to run. Rejects with NATS_SERVER_UNAVAILABLE, which lists everything tried with its reason.
 *
 * HANDLERS_NATS_SERVER names the binary and ends the search. Several processes may call this at once: they share the
 * cache, and the first to finish fills it.
 */
export async function findServerBinary(options: FindServerOptions): Promise<ServerBinary> {
  const { clock, onProgress, env = process.env } = options;
  const probe = binaryProbe(env, clock);
  const named = env.HANDLERS_NATS_SERVER;
  if (named !== undefined && named !== "") return probeNamed(named, probe);

  const failures: Failed[] = [];
  const lines: string[] = [];
  for (const { what, told, run } of attemptsOf(options, env, probe)) {
    const found = await run();
    if (found.kind === "usable") {
      if (isOlder(found.binary.version, OLDEST_SUPPORTED)) onProgress(outOfSupport(found.binary, what));
      return found.binary;
    }
    failures.push(found);
    if (told !== "never") lines.push(`  ${what}: ${found.why}`);
    if (told === "at once") onProgress(`${what}: ${found.why}`);
  }
  const offline = failures.some(({ byNetwork }) => byNetwork) ? ", and the network to fetch one is not there" : "";
  throw new RuntimeError("NATS_SERVER_UNAVAILABLE", `no nats-server to run${offline}; tried\n${lines.join("\n")}`, {
    remedy: REMEDY,
  });
}

function attemptsOf(options: FindServerOptions, env: NodeJS.ProcessEnv, probe: ProbeBinary): readonly Attempt[] {
  const {
    clock,
    releases = OFFICIAL_RELEASES,
    platform = releasePlatform(),
    systemFolders = ["/usr/sbin", "/usr/local/sbin"],
  } = options;
  const cache = serverCache({ folders: cacheFolders(env), probe, clock });
  const pin = platform === undefined ? undefined : releases.pins[platform];
  const installed: Attempt = {
    what: "nats-server on PATH",
    told: "in the error",
    run: () => probeInstalled([...pathFolders(env), ...systemFolders], probe),
  };
  const fetched: Attempt = {
    what: "binary fetched before",
    told: "in the error",
    run: () => cache.read(pin?.version),
  };
  const packaged: Attempt = {
    what: "Debian or Ubuntu package",
    told: "at once",
    run: () => fetchPackage(cache, options, env),
  };
  if (platform === undefined || pin === undefined) return [installed, fetched, packaged];
  const release: Attempt = {
    what: `official release v${pin.version}`,
    told: "at once",
    run: () => fetchRelease({ cache, pin, baseUrl: releases.baseUrl, platform, options }),
  };
  // Without one, the look before has said so.
  const older: Attempt = { what: "older binary fetched before", told: "never", run: () => cache.read() };
  return [installed, fetched, release, older, packaged];
}

function outOfSupport({ version, path }: ServerBinary, what: string): string {
  return `nats-server ${version} is used (${what}, ${path}): its makers mend ${OLDEST_SUPPORTED} and newer only`;
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

interface ReleaseRequest {
  readonly cache: ServerCache;
  readonly pin: Pin;
  readonly baseUrl: string;
  readonly platform: string;
  readonly options: FindServerOptions;
}

async function fetchRelease({ cache, pin, baseUrl, platform, options }: ReleaseRequest): Promise<Probe> {
  const { clock, onProgress } = options;
  const place = await cache.place();
  if (place.kind === "failed") return place;
  const missed: MissedRelease = missedRelease(place.folder, pin.version, clock);
  const lately = await missed.lately();
  // With nothing else at hand a try is worth its seconds.
  if (lately !== undefined && (await cache.read()).kind === "usable") return lately;
  onProgress(`getting nats-server v${pin.version} from ${baseUrl} into ${place.folder}`);
  const found = await cache.fill(async (workDir) => {
    const download = await downloadRelease({ baseUrl, platform, pin, clock });
    if (download.kind === "failed") return download;
    const path = join(workDir, "nats-server");
    await writeFile(path, download.binary);
    return { kind: "unpacked", path };
  });
  if (found.kind === "failed") await missed.note(found);
  return found;
}

async function fetchPackage(
  cache: ServerCache,
  { clock, onProgress }: FindServerOptions,
  env: NodeJS.ProcessEnv,
): Promise<Probe> {
  for (const tool of ["apt-get", "dpkg-deb"]) {
    const places = pathFolders(env).map((folder) => isExecutable(join(folder, tool)));
    if (!(await Promise.all(places)).includes(true)) return { kind: "failed", why: `${tool} is not on PATH` };
  }
  onProgress("getting nats-server from the package of this system with apt-get (nothing is installed)");
  return cache.fill((workDir) => unpackServerPackage({ workDir, env, clock }));
}

function pathFolders(env: NodeJS.ProcessEnv): readonly string[] {
  return (env.PATH ?? "").split(delimiter);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
