// `<stateDir>/runtime.json`: which nats-server serves this project, so that other CLI verbs find it and a second `dev` in
// the same folder does not start another one on the same data.
//
// F1  The file is created by one process only, before its server is started, and replaced by rename.
// F2  A record counts when its server lives, is a server of this folder, and is still the child of its supervisor. The
//     system gives an orphan another parent, so this needs no trust in the supervisor's process id.
// F3  A stale file is moved aside before it is judged a second time and removed, so that of two processes that find it at
//     once neither removes the other's new one.

import { linkSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, delay } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import { lookUpProcess } from "./process-info.ts";

export interface RuntimeFile {
  readonly url: string;
  readonly pid: number;
  readonly supervisorPid: number;
}

/** The running embedded server of this project, or undefined. Never throws. */
export function readRuntimeFile(stateDir: string): RuntimeFile | undefined {
  const text = readText(stateDir);
  const record = text === undefined ? undefined : parseRecord(text);
  if (record === undefined || standingOf(record, stateDir) !== "live") return undefined;
  return { url: record.url, pid: record.pid, supervisorPid: record.supervisorPid };
}

export interface RuntimeClaim {
  /** Tell where the server is. */
  publish(server: { readonly url: string; readonly pid: number }): void;
  /** Remove the file, unless it is no longer ours. */
  release(): void;
}

/**
 * Become the one supervisor of this folder; a server left by a killed one is ended first.
 *
 * Rejects with USAGE while another supervisor runs here.
 */
export async function claimRuntimeFile(stateDir: string, clock: Clock): Promise<RuntimeClaim> {
  mkdirSync(stateDir, { recursive: true });
  for (;;) {
    if (createFile(stateDir, clock)) return claimOf(stateDir, clock);
    const text = readText(stateDir);
    if (text === undefined) continue; // released just now
    const record = parseRecord(text);
    const standing = record === undefined ? "stale" : standingOf(record, stateDir, clock);
    if (record !== undefined && (standing === "live" || standing === "starting"))
      throw alreadyRunning(record, stateDir);
    if (record !== undefined && standing === "left-over") await endLeftOver(record.pid, stateDir, clock);
    removeStale(stateDir, text);
  }
}

interface Record {
  readonly url: string;
  /** 0 until the server is ready. */
  readonly pid: number;
  readonly supervisorPid: number;
  readonly writtenAtMs: number;
}

type Standing = "live" | "starting" | "left-over" | "stale";

const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 5_000;
const LOOK_MS = 20;

function standingOf(record: Record, stateDir: string, clock?: Clock): Standing {
  if (record.pid === 0) return clock !== undefined && isStarting(record, clock) ? "starting" : "stale";
  if (!isServerOf(record.pid, stateDir)) return "stale";
  return lookUpProcess(record.pid)?.parentPid === record.supervisorPid ? "live" : "left-over";
}

// In a container a restarted supervisor often has the id of the one before it.
function isStarting({ supervisorPid, writtenAtMs }: Record, clock: Clock): boolean {
  if (supervisorPid === process.pid || clock.nowMs() - writtenAtMs > START_LIMIT_MS) return false;
  return lookUpProcess(supervisorPid) !== undefined;
}

/** Its ports file folder, which is given as a flag, lies in the state folder. */
function isServerOf(pid: number, stateDir: string): boolean {
  const command = lookUpProcess(pid)?.command ?? "";
  return command.includes("--ports_file_dir") && command.includes(realpathSync(stateDir));
}

// Linked into place, so that nobody reads half a record; on a file system without links it is written in place.
function createFile(stateDir: string, clock: Clock): boolean {
  const record: Record = { url: "", pid: 0, supervisorPid: process.pid, writtenAtMs: clock.nowMs() };
  const file = fileOf(stateDir);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(record));
  try {
    if (errorCodeOf(() => linkSync(draft, file)) === undefined) return true;
    const code = errorCodeOf(() => writeFileSync(file, JSON.stringify(record), { flag: "wx" }));
    if (code === undefined || code === "EEXIST") return code === undefined;
    throw new RuntimeError("NATS_SERVER_FAILED", `cannot write ${file}: ${code}`);
  } finally {
    rmSync(draft, { force: true });
  }
}

function errorCodeOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function claimOf(stateDir: string, clock: Clock): RuntimeClaim {
  const file = fileOf(stateDir);
  return {
    publish({ url, pid }) {
      const record: Record = { url, pid, supervisorPid: process.pid, writtenAtMs: clock.nowMs() };
      writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(record)}\n`);
      renameSync(`${file}.${process.pid}`, file);
    },
    release() {
      const text = readText(stateDir);
      if (text !== undefined && parseRecord(text)?.supervisorPid === process.pid) rmSync(file, { force: true });
    },
  };
}

function removeStale(stateDir: string, judged: string): void {
  const file = fileOf(stateDir);
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, "utf8") !== judged) linkSync(aside, file);
  } catch {
    // Another process was faster: moved it aside, or made a new one. The next look at the file decides.
  }
  rmSync(aside, { force: true });
}

async function endLeftOver(pid: number, stateDir: string, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + END_LIMIT_MS;
  signal(pid, "SIGTERM");
  while (isServerOf(pid, stateDir)) {
    if (clock.monotonicMs() > deadlineMs) signal(pid, "SIGKILL");
    await delay(clock, LOOK_MS);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended in between, which is what was wanted.
  }
}

function alreadyRunning({ url, supervisorPid }: Record, stateDir: string): RuntimeError {
  const server = url === "" ? "is starting a nats-server" : `runs a nats-server at ${url}`;
  return new RuntimeError("USAGE", `another "handlers dev" (process ${supervisorPid}) ${server} for ${stateDir}`, {
    remedy: `Stop it first (Ctrl-C where it runs, or \`kill ${supervisorPid}\`), or use its server: NATS_URL=${url || "<its url>"}.`,
  });
}

function fileOf(stateDir: string): string {
  return join(stateDir, "runtime.json");
}

function readText(stateDir: string): string | undefined {
  try {
    return readFileSync(fileOf(stateDir), "utf8");
  } catch {
    return undefined; // there is none, or none that we may read: no server of ours to be found
  }
}

function parseRecord(text: string): Record | undefined {
  try {
    const { url, pid, supervisorPid, writtenAtMs } = JSON.parse(text) as Partial<Record>;
    if (typeof url !== "string" || !isCount(pid) || !isCount(supervisorPid) || !isCount(writtenAtMs)) return undefined;
    return { url, pid, supervisorPid, writtenAtMs };
  } catch {
    return undefined; // cut short by a full disk or a crash: stale
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
