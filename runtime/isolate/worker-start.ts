// How a worker's process is started: its program, and what Node is told.

import { availableParallelism } from "node:os";
import type { ProcessStart } from "./started-process.ts";

export interface WorkerProgram {
  /** Path of the worker's program. */
  readonly entry: string;
  /** URLs imported while the worker warms up. */
  readonly preload: readonly string[];
}

/**
 * With few cores a handler's garbage collector is not to take two of them at once: a handler that fills its heap would
 * have its neighbours wait for both. As Java does it (its ergonomics choose the serial collector there).
 */
const COLLECTOR = availableParallelism() <= 2 ? ["--single-threaded-gc"] : [];

export function workerStart(
  { entry, preload }: WorkerProgram,
  memoryMiB: number,
  env: Readonly<Record<string, string>>,
): ProcessStart {
  const flags = [
    "--enable-source-maps",
    "--disable-warning=ExperimentalWarning",
    `--max-old-space-size=${memoryMiB}`,
    ...COLLECTOR,
    // Where SIGUSR1 opens the inspector, should the worker have to be asked where it is stuck.
    "--inspect-port=127.0.0.1:0",
  ];
  return { args: [...flags, entry, ...preload], env };
}
