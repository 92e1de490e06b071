// How one handler stands, for people and for `--json`.

import type { RuntimeError } from "../errors.ts";
import type { HandlerKind } from "../metadata/handler-metadata.ts";
import type { StateKind } from "./handler-state.ts";
import type { Disabled } from "./intent.ts";

export interface HandlerStatus {
  readonly name: string;
  readonly file: string;
  readonly state: StateKind;
  /** Of the version that serves or served last, as is `subject`; undefined when none has. */
  readonly kind: HandlerKind | undefined;
  readonly subject: string | undefined;
  /** Of the version that serves; undefined when none does. */
  readonly version: string | undefined;
  readonly inFlight: number;
  readonly queued: number;
  readonly handled: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many deliveries fell into each bucket of `HandlerStats`. */
  readonly durations: readonly number[];
  readonly reloads: number;
  readonly restarts: number;
  readonly pids: readonly number[];
  /** Why the last version did not come up; undefined when it did. */
  readonly lastFailure: RuntimeError | undefined;
  /** Who turned it off, when somebody did. */
  readonly disabled: Disabled | undefined;
}
