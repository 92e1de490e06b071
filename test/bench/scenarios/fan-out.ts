// Ten handlers on one subject: every message is handled ten times.

import type { Scenario } from "../scenario.ts";
import { EVENTS } from "./events.ts";
import { runFlood } from "./flood.ts";

const PLAN = {
  ...EVENTS,
  scenario: "fan-out",
  title: "fan-out: 10 handlers on one subject",
  handlers: 10,
  count: 40_000,
  step: 500,
  window: 4_000,
};

export const fanOut: Scenario = {
  name: "fan-out",
  summary: "10 handlers on one subject",
  run: (options) => runFlood(PLAN, options),
};
