// How one handler stands, for people and for `--json`.

import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeError } from "../errors.ts";
import type { HandlerKind, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Generation } from "./generation.ts";
import type { StateKind } from "./handler-state.ts";
import type { HandlerStats } from "./handler-stats.ts";
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

/** What a slot knows. */
export interface SlotView {
  readonly name: string;
  readonly file: HandlerFile;
  readonly state: StateKind;
  readonly current: Generation | undefined;
  /** Of the version that served last. */
  readonly lastMetadata: ResolvedMetadata | undefined;
  readonly lastFailure: RuntimeError | undefined;
  readonly stats: HandlerStats;
  readonly disabled: Disabled | undefined;
}

/** @param finishing versions on their way out, whose messages count too */
export function statusOf(slot: SlotView, finishing: readonly Generation[]): HandlerStatus {
  const { current, stats } = slot;
  const metadata = current?.metadata ?? slot.lastMetadata;
  const generations = current === undefined ? finishing : [...finishing, current];
  const dispatchers = [...new Set(generations.map(({ route }) => route.dispatcher))];
  return {
    name: slot.name,
    file: slot.file.displayPath,
    state: slot.state,
    kind: metadata?.kind,
    subject: metadata?.subject,
    version: current?.bundle.version,
    inFlight: dispatchers.reduce((sum, { inFlight }) => sum + inFlight, 0),
    queued: dispatchers.reduce((sum, { queued }) => sum + queued, 0),
    handled: stats.handled,
    failed: stats.failed,
    p50Ms: stats.percentileMs(0.5),
    p99Ms: stats.percentileMs(0.99),
    durations: [...stats.durations.counts],
    reloads: stats.reloads,
    restarts: stats.restarts,
    pids: current?.pids ?? [],
    lastFailure: slot.lastFailure,
    disabled: slot.disabled,
  };
}
