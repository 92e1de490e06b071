// One `event` handler: 120 bytes of JSON, parsed and validated.

import type { Scenario } from "../scenario.ts";
import { type FloodPlan, runFlood } from "./flood.ts";

export const EVENTS: FloodPlan = {
  scenario: "events",
  title: "events: 1 handler, 120 bytes of JSON, parse + zod",
  does: "count",
  handlers: 1,
  oneSubject: true,
  payloadBytes: 120,
  count: 300_000,
  step: 1_000,
  window: 8_000,
};

export const events: Scenario = {
  name: "events",
  summary: "messages/s and CPU time of one handler",
  async run(options) {
    const report = await runFlood(EVENTS, options);
    return { ...report, numbers: { eventRate: report.rateRatio, eventCpu: report.cpuRatio } };
  },
};
