// A handler that publishes one message for each it handles.

import type { Scenario } from "../scenario.ts";
import { EVENTS } from "./events.ts";
import { runFlood } from "./flood.ts";

const PLAN = {
  ...EVENTS,
  scenario: "publish",
  title: "publish: 1 handler that publishes one message for each",
  does: "publish" as const,
  count: 100_000,
};

export const publish: Scenario = {
  name: "publish",
  summary: "a handler that publishes one message for each",
  run: (options) => runFlood(PLAN, options),
};
