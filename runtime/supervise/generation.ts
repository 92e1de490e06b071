// One bundle in one worker.

import type { Bundle } from "../bundle/bundle.ts";
import type { Lane } from "../deliver/lane.ts";
import type { WorkerProcess } from "../isolate/worker-process.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Route } from "./route.ts";

export interface Generation {
  readonly bundle: Bundle;
  readonly metadata: ResolvedMetadata;
  readonly worker: WorkerProcess;
  readonly lane: Lane;
  /** The route its deliveries come from. */
  readonly route: Route;
}
