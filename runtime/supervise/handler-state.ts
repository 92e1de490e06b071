// The life of a handler's slot. `transition` is the only place where a state follows from another.
//
// | state        | brought-up | bound | load-failed | refused | went-idle | wake   | worker-lost | stepped-aside | crash-loop  | quarantine  | due        | disabled | enabled  | closed  |
// | starting     | serving    | idle  | backing-off | failed  |           |        |             |               |             |             |            | disabled |          | stopped |
// | serving      | serving    | idle  |             |         | idle      |        | restarting  | restarting    | backing-off | quarantined |            | disabled |          | stopped |
// | idle         | serving    | idle  |             |         |           | waking |             |               |             |             |            | disabled |          | stopped |
// | waking       | serving    | idle  | backing-off | failed  |           |        |             |               |             | quarantined |            | disabled |          | stopped |
// | restarting   | serving    | idle  | backing-off | failed  |           |        |             |               |             | quarantined |            | disabled |          | stopped |
// | backing-off  | serving    | idle  | backing-off | failed  |           |        |             |               |             | quarantined | restarting | disabled |          | stopped |
// | quarantined  | serving    | idle  | quarantined | failed  |           |        |             |               |             | quarantined | restarting | disabled |          | stopped |
// | failed       | serving    | idle  | backing-off | failed  |           |        |             |               |             |             |            | disabled |          | stopped |
// | disabled     |            |       |             |         |           |        |             |               |             |             |            | disabled | starting | stopped |
// | stopped      |            |       |             |         |           |        |             |               |             |             |            |          |          | stopped |
//
// "bound" is a version bound without a process: the first message wakes it. "refused" is a version that only a save can
// mend (it does not build, its metadata is wrong, its subject is taken), or the stream that it lacks, which is looked for
// meanwhile; "load-failed" one that may come up another time (an import or a set-up that threw, hung or crashed). A save
// that fails while an earlier version is there is no event: it changes nothing. "stepped-aside" is a version that ended
// so that the next one can have what it held. *Disabled* is an operator's word, *quarantined* the handler's own doing.

import { RuntimeError } from "../errors.ts";

export type StateKind =
  | "starting"
  | "serving"
  | "idle"
  | "waking"
  | "restarting"
  | "backing-off"
  | "quarantined"
  | "failed"
  | "disabled"
  | "stopped";

export type StateEvent =
  | "brought-up"
  | "bound"
  | "load-failed"
  | "refused"
  | "went-idle"
  | "wake"
  | "worker-lost"
  | "stepped-aside"
  | "crash-loop"
  | "quarantine"
  | "due"
  | "disabled"
  | "enabled"
  | "closed";

type Row = Partial<Record<StateEvent, StateKind>>;

const ANY: Row = { disabled: "disabled", closed: "stopped" };
const LIVE: Row = { ...ANY, "brought-up": "serving", bound: "idle" };
const COMING: Row = { ...LIVE, "load-failed": "backing-off", refused: "failed" };

const TABLE: Readonly<Record<StateKind, Row>> = {
  starting: COMING,
  serving: {
    ...LIVE,
    "went-idle": "idle",
    "worker-lost": "restarting",
    "stepped-aside": "restarting",
    "crash-loop": "backing-off",
    quarantine: "quarantined",
  },
  idle: { ...LIVE, wake: "waking" },
  waking: { ...COMING, quarantine: "quarantined" },
  restarting: { ...COMING, quarantine: "quarantined" },
  "backing-off": { ...COMING, quarantine: "quarantined", due: "restarting" },
  quarantined: { ...COMING, "load-failed": "quarantined", quarantine: "quarantined", due: "restarting" },
  failed: COMING,
  disabled: { ...ANY, enabled: "starting" },
  stopped: { closed: "stopped" },
};

/** Throws INTERNAL for an event that cannot occur in that state: a fault of ours, not of a handler. */
export function transition(from: StateKind, event: StateEvent): StateKind {
  const to = TABLE[from][event];
  if (to === undefined) throw new RuntimeError("INTERNAL", `state "${from}" has no answer to "${event}"`);
  return to;
}
