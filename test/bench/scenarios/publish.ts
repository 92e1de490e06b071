// A handler that publishes one message for each it handles.

import type { Scenario } from "../scenario.ts";
import { EVENTS } from "./events.ts";
import { runFlood } from "./flood.ts";

const PLAN = {
  ...EVENTS,
  scenario: "publish",
  title: "publish: 1 handler that publishes one message for each",
  does: "publish",
  count: 100_000,
  heldTo: { rate: "publishRate", cpu: "publishCpu" },
} as const;

export const publish: Scenario = {
  name: "publish",
  summary: "a handler that publishes one message for each",
  async run(options) {
    const report = await runFlood(PLAN, options);
    return { ...report, numbers: { publishRate: report.rateRatio, publishCpu: report.cpuRatio } };
  },
};
