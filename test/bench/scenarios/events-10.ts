// Ten handlers, each on a subject of its own, with the messages spread evenly.

import type { Scenario } from "../scenario.ts";
import { EVENTS } from "./events.ts";
import { runFlood } from "./flood.ts";

const PLAN = {
  ...EVENTS,
  scenario: "events-10",
  title: "events-10: 10 handlers on 10 subjects",
  handlers: 10,
  oneSubject: false,
  step: 250,
  window: 2_000,
};

export const eventsTen: Scenario = {
  name: "events-10",
  summary: "10 handlers on 10 subjects",
  run: (options) => runFlood(PLAN, options),
};
