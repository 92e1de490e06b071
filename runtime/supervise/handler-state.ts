// The life of a handler's slot. `transition` is the only place where a state follows from another.
//
// | state       | brought-up | load-failed | refused | worker-lost | crash-loop  | due        | closed  |
// | starting    | serving    | backing-off | failed  |             |             |            | stopped |
// | serving     | serving    | serving     | serving | restarting  | backing-off |            | stopped |
// | restarting  | serving    | backing-off | failed  |             |             |            | stopped |
// | backing-off | serving    | backing-off | failed  |             |             | restarting | stopped |
// | failed      | serving    | backing-off | failed  |             |             |            | stopped |
//
// "refused" is a version that can only be mended by a save (it does not build, its metadata is wrong, its subject is
// taken); "load-failed" one that may come up another time (an import or a set-up that threw, hung or crashed).
// A serving handler outlives both: its last good version goes on.

import { RuntimeError } from "../errors.ts";

export type StateKind = "starting" | "serving" | "restarting" | "backing-off" | "failed" | "stopped";

export type StateEvent = "brought-up" | "load-failed" | "refused" | "worker-lost" | "crash-loop" | "due" | "closed";

const TABLE: Readonly<Record<StateKind, Partial<Record<StateEvent, StateKind>>>> = {
  starting: { "brought-up": "serving", "load-failed": "backing-off", refused: "failed", closed: "stopped" },
  serving: {
    "brought-up": "serving",
    "load-failed": "serving",
    refused: "serving",
    "worker-lost": "restarting",
    "crash-loop": "backing-off",
    closed: "stopped",
  },
  restarting: { "brought-up": "serving", "load-failed": "backing-off", refused: "failed", closed: "stopped" },
  "backing-off": {
    "brought-up": "serving",
    "load-failed": "backing-off",
    refused: "failed",
    due: "restarting",
    closed: "stopped",
  },
  failed: { "brought-up": "serving", "load-failed": "backing-off", refused: "failed", closed: "stopped" },
  stopped: { closed: "stopped" },
};

/** Throws INTERNAL for an event that cannot occur in that state: a fault of ours, not of a handler. */
export function transition(from: StateKind, event: StateEvent): StateKind {
  const to = TABLE[from][event];
  if (to === undefined) throw new RuntimeError("INTERNAL", `state "${from}" has no answer to "${event}"`);
  return to;
}
