// Takes nats-server from the Debian or Ubuntu package, without installing it and without root: apt-get works in a folder
// of ours, with the system's own sources, keys and proxies.

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { type CommandEnd, runCommand } from "./run-command.ts";
import type { Failed } from "./server-probe.ts";

export interface PackageOptions {
  /** An empty folder; the caller removes it. */
  readonly workDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

export type Unpacked = { readonly kind: "unpacked"; readonly path: string } | Failed;

const UPDATE_LIMIT_MS = 120_000;
const DOWNLOAD_LIMIT_MS = 120_000;
const UNPACK_LIMIT_MS = 30_000;

/** Never rejects. The binary is left in `workDir`. */
export async function unpackServerPackage({ workDir, env, clock }: PackageOptions): Promise<Unpacked> {
  const config = join(workDir, "apt.conf");
  const packages = join(workDir, "packages");
  const content = join(workDir, "content");
  for (const folder of ["state/lists/partial", "cache/archives/partial", "log", "packages", "content"]) {
    await mkdir(join(workDir, folder), { recursive: true });
  }
  await writeFile(join(workDir, "status"), "");
  await writeFile(config, aptConfig(workDir));
  const run = (command: string, args: readonly string[], limitMs: number): Promise<CommandEnd> =>
    runCommand({ command, args, cwd: packages, env: { ...env, LC_ALL: "C" }, limitMs, clock });

  const update = await run("apt-get", ["-c", config, "-q", "update"], UPDATE_LIMIT_MS);
  if (update.kind === "failed") return update;
  const download = await run("apt-get", ["-c", config, "-q", "download", "nats-server"], DOWNLOAD_LIMIT_MS);
  if (download.kind === "failed") return listsNotFetched(update.output) ?? download;
  const archive = (await readdir(packages)).find((name) => name.endsWith(".deb"));
  if (archive === undefined) return { kind: "failed", why: "apt-get download left no package" };
  const unpack = await run("dpkg-deb", ["-x", join(packages, archive), content], UNPACK_LIMIT_MS);
  if (unpack.kind === "failed") return unpack;
  const path = await findBinary(content);
  return path === undefined ? { kind: "failed", why: `${archive} holds no nats-server` } : { kind: "unpacked", path };
}

/**
 * Why `apt-get update`, which ends well all the same, has fetched no list. Without a list every package is unknown to
 * `apt-get download`, which then names the package as the fault.
 */
export function listsNotFetched(updateOutput: string): Failed | undefined {
  const reason = /^[WE]: Failed to fetch \S+\s+(.+)$/m.exec(updateOutput)?.[1]?.trim();
  if (reason === undefined) return undefined;
  const byNetwork = /resolv|connect|unreachable|timed out/i.test(reason);
  return { kind: "failed", why: `no package list could be fetched: ${reason}`, ...(byNetwork ? { byNetwork } : {}) };
}

async function findBinary(content: string): Promise<string | undefined> {
  for (const folder of ["usr/sbin", "usr/bin"]) {
    const names = await readdir(join(content, folder)).catch((): string[] => []); // a folder the package does not have
    if (names.includes("nats-server")) return join(content, folder, "nats-server");
  }
  return undefined;
}

// Read after the system's configuration (`-c`), so it can take back what would act on the system: the hooks, and indexes
// that only software centres want. `Sandbox::User` keeps root's apt from dropping to a user who cannot write here.
function aptConfig(workDir: string): string {
  return `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::CNF;
Dir::State "${workDir}/state";
Dir::State::Lists "${workDir}/state/lists";
Dir::State::Status "${workDir}/status";
Dir::Cache "${workDir}/cache";
Dir::Log "${workDir}/log";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
`;
}
