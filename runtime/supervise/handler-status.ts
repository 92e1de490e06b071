// How one handler stands, for people and for `--json`.

import type { RuntimeError } from "../errors.ts";
import type { HandlerKind } from "../metadata/handler-metadata.ts";
import type { StateKind } from "./handler-state.ts";

export interface HandlerStatus {
  readonly name: string;
  readonly file: string;
  readonly state: StateKind;
  /** Of the version that serves, as are `subject`, `version` and `pid`; undefined when none does. */
  readonly kind: HandlerKind | undefined;
  readonly subject: string | undefined;
  readonly version: string | undefined;
  readonly inFlight: number;
  readonly queued: number;
  readonly handled: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly reloads: number;
  readonly restarts: number;
  readonly pid: number | undefined;
  /** Why the last version did not come up; undefined when it did. */
  readonly lastFailure: RuntimeError | undefined;
}
