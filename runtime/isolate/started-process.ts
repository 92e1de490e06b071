// A process just started: its socket, its output, its end. Who started it makes no difference.

import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { ProcessEnd } from "./exit.ts";

export interface ProcessStart {
  /** Arguments of Node's own program. */
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface StartedProcess {
  readonly pid: number;
  /** Its descriptor 3. */
  readonly socket: Socket;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Nothing when it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/** Start it from here. Where it cannot be, `ended` says why, and `pid` is -1. */
export function startProcess({ args, env }: ProcessStart): StartedProcess {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "pipe"], env, detached: true });
  return {
    pid: child.pid ?? -1,
    socket: child.stdio[3] as Socket,
    stdout: child.stdout!,
    stderr: child.stderr!,
    ended: new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal, startError: undefined }));
      child.once("error", (error) => resolve({ code: null, signal: null, startError: error.message }));
    }),
    kill: (signal) => void child.kill(signal),
  };
}

/** Also what it has started and left behind, unless that went off to a group of its own. */
export function killGroup(pid: number): void {
  try {
    if (pid > 0) process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}
