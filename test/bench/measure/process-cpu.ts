// CPU time and memory of whole processes, read from /proc: also of the workers, which know nothing of the bench.

import { readdirSync, readFileSync } from "node:fs";

/** CPU nanoseconds used so far by all threads of the process; 0 when it is gone. */
export function cpuNs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + onCpuNs(`/proc/${pid}/task/${thread}/schedstat`), 0);
  } catch {
    return 0;
  }
}

function onCpuNs(file: string): number {
  return Number(readFileSync(file, "utf8").split(" ")[0]);
}

export interface Memory {
  /** Resident, shared pages counted in full in each process. */
  readonly rssMiB: number;
  /** Proportional: a page shared by n processes counts 1/n in each. */
  readonly pssMiB: number;
}

/** Of all these processes together. One that has ended since they were listed holds nothing. */
export function memoryOf(pids: readonly number[]): Memory {
  const all = pids.map((pid) => {
    const text = rollupOf(pid);
    return { rss: kibOf(text, "Rss"), pss: kibOf(text, "Pss") };
  });
  return {
    rssMiB: all.reduce((sum, { rss }) => sum + rss, 0) / 1024,
    pssMiB: all.reduce((sum, { pss }) => sum + pss, 0) / 1024,
  };
}

function rollupOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}

function kibOf(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
}

/** CPU nanoseconds used so far by the process and everything it has started that has not ended. */
export function treeCpuNs(root: number): number {
  return processTree(root).reduce((sum, pid) => sum + cpuNs(pid), 0);
}

/** The process and everything it has started, directly or not, that has not ended. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const parent = /^\d+$/.test(entry) ? parentOf(entry) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function parentOf(pid: string): number | undefined {
  try {
    // `pid (name) state ppid`: the name may hold spaces and brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[1]);
  } catch {
    return undefined; // It ended just now.
  }
}
