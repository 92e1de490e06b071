// What `handlers describe --check --fleet` needs, in CI say: to ask what runs, and to change nothing.

import { FLEET_SUBJECTS } from "../control/fleet.ts";
import { type Grant, inboxes, type PermittedApp } from "./grant.ts";

export function toAskFleet(app: PermittedApp): Grant[] {
  return [
    inboxes(app),
    {
      why: "describe --check --fleet: which apps run, and what the handlers of each take and publish.",
      publish: FLEET_SUBJECTS,
    },
  ];
}
