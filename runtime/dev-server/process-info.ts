// What the system knows of a process id: a number alone may by now belong to a stranger.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessInfo {
  readonly parentPid: number;
  /** Program and arguments, joined by spaces; empty for a process that has ended and waits to be collected. */
  readonly command: string;
}

/** Undefined when there is no such process. Reads /proc, or asks `ps` where there is none. */
export function lookUpProcess(pid: number): ProcessInfo | undefined {
  return process.platform === "linux" ? inspectByProc(pid) : inspectByPs(pid);
}

function inspectByProc(pid: number): ProcessInfo | undefined {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // "pid (name) state parent ...", and the name may hold spaces and brackets.
    const parentPid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return { parentPid, command };
  } catch {
    return undefined; // it ended, perhaps between the two reads
  }
}

function inspectByPs(pid: number): ProcessInfo | undefined {
  const { stdout } = spawnSync("ps", ["-ww", "-o", "ppid=,command=", "-p", String(pid)], { encoding: "utf8" });
  const [, parentPid, command] = /^\s*(\d+)\s+(.*)$/m.exec(stdout ?? "") ?? [];
  if (parentPid === undefined || command === undefined) return undefined;
  return { parentPid: Number(parentPid), command };
}
