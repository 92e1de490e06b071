// What a handler's slot is in, with the version it owns there. `handler-state.ts` says which state follows from which.

import { RuntimeError } from "../errors.ts";
import type { Generation } from "./generation.ts";
import type { StateKind } from "./handler-state.ts";

export type SlotState =
  /** No version is bound. */
  | { readonly kind: "starting" | "failed" | "disabled" | "stopped" }
  /** Bound, with a worker, or waiting for the message that starts one. */
  | { readonly kind: "serving" | "idle" | "waking"; readonly current: Generation }
  /** Bound without a worker; or without a version, when the first one did not come up. */
  | { readonly kind: "restarting" | "backing-off" | "quarantined"; readonly current: Generation | undefined };

/** The version that is bound, if there is one. */
export function currentOf(state: SlotState): Generation | undefined {
  return "current" in state ? state.current : undefined;
}

/** A state of that kind. What has no place for the version lets go of it: the caller takes it down. */
export function stateOf(kind: StateKind, current: Generation | undefined): SlotState {
  switch (kind) {
    case "starting":
    case "failed":
    case "disabled":
    case "stopped":
      return { kind };
    case "restarting":
    case "backing-off":
    case "quarantined":
      return { kind, current };
    case "serving":
    case "idle":
    case "waking":
      if (current === undefined) throw new RuntimeError("INTERNAL", `state "${kind}" without a version`);
      return { kind, current };
  }
}
