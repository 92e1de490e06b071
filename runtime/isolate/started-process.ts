// A process just started: its socket, its output, its end. Who started it makes no difference.

import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import type { ProcessEnd } from "./exit.ts";
import { letOthersGoFirst } from "./priority.ts";

export interface ProcessStart {
  /** Arguments of Node's own program. */
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Lets others go first from the beginning, where the kernel shares cores by session (priority.ts). */
  readonly behindOthers?: boolean;
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

/** Start it from here. Never throws: where it cannot be started, `ended` says why, and `pid` is -1. */
export function startProcess({ args, env, behindOthers = false }: ProcessStart): StartedProcess {
  try {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "pipe"], env, detached: true });
    const ended = new Promise<ProcessEnd>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal, startError: undefined }));
      child.once("error", (error) => resolve(notStarted(error)));
    });
    // Without descriptors to be had there are no pipes either.
    if (child.pid === undefined) return withoutPipes(ended);
    if (behindOthers) letOthersGoFirst(child.pid);
    return {
      pid: child.pid,
      socket: child.stdio[3] as Socket,
      stdout: child.stdout!,
      stderr: child.stderr!,
      ended,
      kill: (signal) => void child.kill(signal),
    };
  } catch (error) {
    // Node throws for some reasons, as when there is no memory for a fork, and emits "error" for others.
    return withoutPipes(Promise.resolve(notStarted(error as Error)));
  }
}

function notStarted({ message }: Error): ProcessEnd {
  return { code: null, signal: null, startError: message };
}

function withoutPipes(ended: Promise<ProcessEnd>): StartedProcess {
  const nothing = () => Readable.from([]);
  return {
    pid: -1,
    socket: new Socket().destroy(),
    stdout: nothing(),
    stderr: nothing(),
    ended,
    kill: () => undefined,
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

/** Those of these processes that have not ended yet. */
export function endAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It was quicker.
    }
  }
}
