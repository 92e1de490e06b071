// One nats-server process: started, known to be ready, ended. It leads a session of its own, so the terminal's Ctrl-C
// reaches only the runtime, which must drain before its server goes.

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, delay, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Ends processes should this one be killed; `isolate/reaper.ts` is one. */
export interface ProcessTracker {
  track(pid: number, how: "term" | "kill"): void;
  untrack(pid: number): void;
}

export interface ServerProcessOptions {
  readonly binary: string;
  /** Where log and ports file go. Two live servers never share it. */
  readonly workDir: string;
  readonly storeDir: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Read before the flags, which win. */
  readonly configFile?: string;
  readonly reaper: ProcessTracker;
  readonly clock: Clock;
}

export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  readonly logFile: string;
  readonly exited: Promise<ProcessExit>;
  /** TERM, and KILL when it has not ended after 5 s. Resolves when it has ended. Calling twice is safe. */
  stop(): Promise<void>;
  /** KILL. Resolves when it has ended. */
  kill(): Promise<void>;
}

// A store of many gigabytes is read before the server listens.
const READY_LIMIT_MS = 60_000;
const READY_LOOK_MS = 3;
const STOP_LIMIT_MS = 5_000;

/** Resolves when it accepts connections, with JetStream on. Rejects with NATS_SERVER_FAILED and its last log lines. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { binary, workDir, reaper, clock } = options;
  const logFile = prepareWorkDir(workDir);
  const log = openSync(logFile, "w");
  const child = spawn(binary, serverFlags(options), { cwd: workDir, detached: true, stdio: ["ignore", log, log] });
  const { pid } = child;
  if (pid !== undefined) reaper.track(pid, "term");
  closeSync(log);

  const end: { exit?: ProcessExit; error?: Error } = {};
  const exited = new Promise<ProcessExit>((resolve) => {
    function finish(exit: ProcessExit): void {
      if (pid !== undefined) reaper.untrack(pid);
      end.exit = exit;
      resolve(exit);
    }
    child.on("exit", (code, signal) => finish({ code, signal }));
    child.on("error", (error) => {
      end.error = error;
      if (pid === undefined) finish({ code: null, signal: null });
    });
  });

  async function kill(): Promise<void> {
    child.kill("SIGKILL");
    await exited;
  }

  async function stop(): Promise<void> {
    child.kill("SIGTERM");
    if ((await within(clock, STOP_LIMIT_MS, exited)) === "expired") await kill();
  }

  const deadlineMs = clock.monotonicMs() + READY_LIMIT_MS;
  while (end.exit === undefined && pid !== undefined) {
    const port = readPort(workDir, pid);
    if (port !== undefined) return { pid, port, logFile, exited, stop, kill };
    if (clock.monotonicMs() > deadlineMs) {
      await kill();
      throw failure(`nats-server was not ready within ${READY_LIMIT_MS} ms`, logFile);
    }
    await delay(clock, READY_LOOK_MS);
  }
  const exit = await exited;
  throw failure(end.error?.message ?? `nats-server ended at its start with ${shownExit(exit)}`, logFile);
}

/** A NATS_SERVER_FAILED error that ends with what the server logged last. */
export function failure(message: string, logFile: string): RuntimeError {
  const lines = lastLines(logFile);
  return new RuntimeError("NATS_SERVER_FAILED", message, {
    ...(lines === "" ? {} : { frame: lines }),
    remedy: `Its log is ${logFile}.`,
  });
}

export function shownExit({ code, signal }: ProcessExit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

function serverFlags({ workDir, storeDir, port, configFile }: ServerProcessOptions): readonly string[] {
  return [
    ...(configFile === undefined ? [] : ["-c", configFile]),
    ...["-a", "127.0.0.1", "-p", String(port === 0 ? -1 : port)],
    ...["-js", "-sd", storeDir, "--ports_file_dir", workDir],
  ];
}

// The log of the run before is kept beside the new one, to be read after a crash. A server killed with -9 leaves its
// ports file; a later server may get the same id, so old ones are removed.
function prepareWorkDir(workDir: string): string {
  mkdirSync(workDir, { recursive: true });
  for (const name of readdirSync(workDir)) {
    if (name.endsWith(".ports")) rmSync(join(workDir, name), { force: true });
  }
  const logFile = join(workDir, "server.log");
  try {
    renameSync(logFile, `${logFile}.old`);
  } catch {
    // The first run here: there is no log to keep.
  }
  return logFile;
}

/** From `<program>_<pid>.ports`, which the server writes when it accepts connections. */
function readPort(workDir: string, pid: number): number | undefined {
  const name = readdirSync(workDir).find((entry) => entry.endsWith(`_${pid}.ports`));
  if (name === undefined) return undefined;
  try {
    const ports: unknown = JSON.parse(readFileSync(join(workDir, name), "utf8"));
    const [url] = (ports as { nats?: readonly string[] }).nats ?? [];
    const port = Number(/:(\d+)$/.exec(url ?? "")?.[1]);
    return Number.isInteger(port) ? port : undefined;
  } catch {
    return undefined; // half written; the next look reads the rest
  }
}

const SHOWN_LINES = 12;

function lastLines(logFile: string): string {
  try {
    return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-SHOWN_LINES).join("\n").slice(-4_000);
  } catch {
    return ""; // no log: the message stands alone
  }
}
