// How a worker's process is started: its program, and what Node is told.

import type { ProcessStart } from "./started-process.ts";

export interface WorkerProgram {
  /** Path of the worker's program. */
  readonly entry: string;
  /** URLs imported while the worker warms up. */
  readonly preload: readonly string[];
}

export function workerStart(
  { entry, preload }: WorkerProgram,
  memoryMiB: number,
  env: Readonly<Record<string, string>>,
): ProcessStart {
  const flags = [
    "--enable-source-maps",
    "--disable-warning=ExperimentalWarning",
    `--max-old-space-size=${memoryMiB}`,
    // Where SIGUSR1 opens the inspector, should the worker have to be asked where it is stuck.
    "--inspect-port=127.0.0.1:0",
  ];
  return { args: [...flags, entry, ...preload], env };
}
