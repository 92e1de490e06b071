// A worker that does not come up: through the bundle it was told to load, or before it was told anything.

import { RuntimeError } from "../errors.ts";
import type { SerializedError, WorkerExit } from "../message/outcome.ts";
import { explainExit } from "./exit.ts";

/** A load or set-up that the bundle itself made fail; `where` says which. */
export class BundleFault extends Error {
  override readonly name = "BundleFault";
  readonly where: "import" | "setup" | "exit";
  readonly error: SerializedError;

  constructor(where: "import" | "setup" | "exit", error: SerializedError) {
    super(error.message);
    this.where = where;
    this.error = error;
  }
}

export function exitAsError(exit: WorkerExit): SerializedError {
  return { name: "WorkerExit", message: `the process ${explainExit(exit)}`, stack: exit.lastOutput.join("\n") };
}

export function bootFailure(exit: WorkerExit): RuntimeError {
  return new RuntimeError(
    "WORKER_CRASHED",
    `a worker ${explainExit(exit)} before it had booted: ${exit.lastOutput.join(" | ") || "no output"}`,
    {
      remedy:
        "The worker runs with the supervisor's own Node: check that it can start, and that memory and processes are not exhausted.",
    },
  );
}
