// What the fork server runs. It is handed to Node as text, so that it needs no file wherever the runtime is started from:
// nothing from outside the function can be used in it.

import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { YIELDING } from "./priority.ts";
import type { ProcessStart } from "./started-process.ts";

export type ForkRequest = { readonly id: number } & (ProcessStart | { readonly ping: true });

/** `up` comes first of all, with 0, and in answer to a ping. Of each process: `pid`, its three descriptors, `ended`; or `ended` alone. */
export type ForkAnswer =
  | { readonly id: number; readonly up: true }
  | { readonly id: number; readonly pid: number }
  | { readonly id: number; readonly fd: 1 | 2 | 3 }
  | {
      readonly id: number;
      readonly ended: { code: number | null; signal: string | null; startError: string | undefined };
    };

function forkServer(yielding: number): void {
  const { spawn } = process.getBuiltinModule("node:child_process");
  const { writeFileSync } = process.getBuiltinModule("node:fs");

  function answer({ id, ...request }: ForkRequest): void {
    if ("ping" in request) return tell({ id, up: true });
    try {
      fork(id, request);
    } catch (error) {
      cannot(id, error as Error);
    }
  }

  function fork(id: number, { args, env, behindOthers = false }: ProcessStart): void {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "pipe"], env, detached: true });
    child.once("exit", (code, signal) => tell({ id, ended: { code, signal, startError: undefined } }));
    child.once("error", (error) => cannot(id, error));
    if (child.pid === undefined) return;
    if (behindOthers) letOthersGoFirst(child.pid);
    tell({ id, pid: child.pid });
    for (const fd of [1, 2, 3] as const) giveAway(id, fd, child);
  }

  /** As in priority.ts. */
  function letOthersGoFirst(pid: number): void {
    try {
      writeFileSync(`/proc/${pid}/autogroup`, String(yielding));
    } catch {
      // The kernel shares cores otherwise, or the process has ended.
    }
  }

  /** Node reads from a child's descriptors at once. What is not ours is not to be read here. */
  function giveAway(id: number, fd: 1 | 2 | 3, child: ChildProcess): void {
    const socket = child.stdio[fd] as Socket & { _handle: { readStop(): void } };
    socket._handle.readStop();
    process.send?.({ id, fd } satisfies ForkAnswer, socket, {}, (error) => {
      if (error !== null) child.kill("SIGKILL");
    });
  }

  function cannot(id: number, { message }: Error): void {
    tell({ id, ended: { code: null, signal: null, startError: message } });
  }

  function tell(answer: ForkAnswer): void {
    if (process.connected) process.send?.(answer);
  }

  process.title = "handlers: fork server";
  process.on("message", answer);
  process.on("disconnect", () => process.exit(0));
  tell({ id: 0, up: true });
}

export const FORK_SERVER_PROGRAM = `(${forkServer.toString()})(${YIELDING})`;
