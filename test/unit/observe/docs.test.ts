// The documentation names the metrics there are, and no others.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createMetrics } from "../../../runtime/observe/metrics.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { source } from "./readings.ts";

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../../docs/${file}`, import.meta.url)), "utf8");

async function metricNames(): Promise<Set<string>> {
  const text = await createMetrics(source([]), fakeClock()).render();
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
}

function named(text: string): string[] {
  const names = [...text.matchAll(/\b(?:handlers|process|nodejs)_[a-z0-9_]+[a-z0-9]\b/g)].map(([name]) => name);
  return [...new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, "")))];
}

it.each(["observability.md", "alerts.yaml", "grafana-dashboard.json"])(
  "%s names only metrics there are",
  async (file) => {
    const known = await metricNames();
    const names = named(read(file));
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  },
);

it("observability.md explains every metric of ours", async () => {
  const explained = new Set(named(read("observability.md")));
  const ours = [...(await metricNames())].filter((name) => name.startsWith("handlers_"));
  expect(ours.filter((name) => !explained.has(name))).toEqual([]);
});
