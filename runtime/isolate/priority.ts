// The share of a worker when there are not enough cores for all.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import type { Clock } from "../clock.ts";

/** About a tenth of what others get (sched(7)). Not less: a handler that has to compute for long is to end some day. */
export const YIELDING = 10;

const LOWEST = 19;

/** The kernel takes a session's priority from users without privileges ten times a second, from all of them together. */
const AGAIN_AFTER_MS = 150;

/**
 * From now on the process gets out of the way of others. Without privileges there is no way back: a new process is. False
 * when it is to be asked again a little later.
 */
export function yieldToOthers(pid: number): boolean {
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, Math.min(getPriority() + YIELDING, LOWEST));
    } catch {
      // It has ended, or we may not: it goes on as it was.
    }
  }
  return setSessionPriority(pid, YIELDING);
}

/** What was started behind others is one of them once it is up. */
export function catchUpOnce(up: Promise<void>, pid: number, clock: Clock): void {
  const tryCatchUp = () => {
    if (!catchUp(pid)) clock.after(AGAIN_AFTER_MS, tryCatchUp);
  };
  up.then(tryCatchUp, () => undefined);
}

/** Until `catchUp`: only where the way back needs no privileges, which is among sessions. */
export function letOthersGoFirst(pid: number): void {
  setSessionPriority(pid, YIELDING);
}

/** False when it is to be asked again a little later. */
export function catchUp(pid: number): boolean {
  return setSessionPriority(pid, 0);
}

/**
 * Where the kernel shares cores between sessions, and a worker leads one, the priorities of its threads count only within
 * it (sched(7), autogroup). One that it does not lead, as that of a terminal, is others' too, and outlives it: it stays as it
 * is. False when the kernel wants to be asked later.
 */
function setSessionPriority(pid: number, priority: number): boolean {
  if (!leadsSession(pid)) return true;
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(priority));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EAGAIN";
  }
  return true;
}

/** The session is the fourth field behind the name, which may have any character in it (proc_pid_stat(5)). */
function leadsSession(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3] === String(pid);
  } catch {
    return false; // It has ended, or there is no such file system.
  }
}

/** Linux keeps a priority for each thread (setpriority(2)), and a full heap is collected by several. */
function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}
