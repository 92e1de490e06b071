// Payloads of 64 bytes, 1 KB and 64 KB. The window shrinks with the size, so that no queue's limit in bytes is near.

import type { Options, Report, Scenario } from "../scenario.ts";
import { EVENTS } from "./events.ts";
import { runFlood } from "./flood.ts";

const SIZES = [
  { payloadBytes: 64, label: "64 B", count: 300_000, step: 1_000, window: 8_000 },
  { payloadBytes: 1_024, label: "1 KB", count: 200_000, step: 1_000, window: 8_000 },
  { payloadBytes: 65_536, label: "64 KB", count: 10_000, step: 20, window: 200 },
];

async function run(options: Options): Promise<Report> {
  const reports: Report[] = [];
  for (const { label, ...size } of SIZES) {
    const scenario = `payload-${size.payloadBytes}`;
    reports.push(await runFlood({ ...EVENTS, ...size, scenario, title: `payload: ${label}, 1 handler` }, options));
  }
  return {
    tables: reports.flatMap(({ tables }) => tables),
    data: reports.map(({ data }) => data),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

export const payload: Scenario = { name: "payload", summary: "64 B, 1 KB and 64 KB", run };
