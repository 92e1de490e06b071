// What runs because of this test: nothing may be left of it.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delay, systemClock } from "../../runtime/clock.ts";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";

/** The live processes that are there because of this one: those it has started, those they have started, and so on. */
export function childProcesses(): Set<number> {
  const all = allPids().map((pid) => ({ pid, info: lookUpProcess(pid) }));
  const found = new Set<number>();
  const below = (parent: number) => {
    for (const { pid, info } of all) {
      if (info?.parentPid !== parent || info.command === "" || info.command.startsWith("ps ")) continue;
      found.add(pid);
      below(pid);
    }
  };
  below(process.pid);
  return found;
}

/** Those it has started itself. */
export function childrenOf(parent: number): number[] {
  return allPids().filter((pid) => lookUpProcess(pid)?.parentPid === parent);
}

/** From a clone, from the package; and once it knows its handler, under that name. */
const WORKER = /program.worker\.mjs|isolate.worker.entry|^handlers: (?!fork server)/;

/** Those of them that run a worker. */
export function workerProcesses(): number[] {
  return [...childProcesses()].filter((pid) => WORKER.test(lookUpProcess(pid)?.command ?? ""));
}

/** Those of them that are esbuild's. */
export function esbuildProcesses(): number[] {
  return [...childProcesses()].filter((pid) => /esbuild.* --service=/.test(lookUpProcess(pid)?.command ?? ""));
}

/** The process that starts workers, as soon as there is one; the runner's timeout is the limit. */
export async function forkServerProcess(): Promise<number> {
  for (;;) {
    const found = [...childProcesses()].find((pid) => lookUpProcess(pid)?.command.startsWith("handlers: fork server"));
    if (found !== undefined) return found;
    await delay(systemClock, 5);
  }
}

/** Resolves when every process started since `before` has ended; the runner's timeout is the limit. */
export async function noneLeft(before: ReadonlySet<number>): Promise<void> {
  for (;;) {
    const left = [...childProcesses()].filter((pid) => !before.has(pid));
    if (left.length === 0) return;
    await delay(systemClock, 5);
  }
}

/** Resolves when the process has ended; the runner's timeout is the limit. */
export async function ended(pid: number): Promise<void> {
  while ((lookUpProcess(pid)?.command ?? "") !== "") await delay(systemClock, 5);
}

/** SIGSTOP it, and resolve when it stands still. SIGCONT has it go on, SIGKILL ends it as it is. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  const state = () => spawnSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
  while (!state().startsWith("T")) await delay(systemClock, 1);
}

function allPids(): number[] {
  if (process.platform === "linux")
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0);
  return spawnSync("ps", ["-A", "-o", "pid="], { encoding: "utf8" }).stdout.trim().split(/\s+/).map(Number);
}

/** Of its session, where the kernel shares cores between those (sched(7)). */
export function sessionPriority(pid: number): number {
  const path = `/proc/${pid}/autogroup`;
  const [, nice] = (existsSync(path) && /nice (-?\d+)/.exec(readFileSync(path, "utf8"))) || [];
  return Number(nice);
}
