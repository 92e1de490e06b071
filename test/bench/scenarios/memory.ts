// Memory of the supervisor, its workers and everything else it starts: idle, and with --long while two million
// messages pass through.

import { setTimeout as pause } from "node:timers/promises";
import { Lab } from "../lab.ts";
import { type Memory, memoryOf, processTree } from "../measure/process-cpu.ts";
import { whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import { handlerSource } from "../project.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

const SETTLE_MS = 2_000;
const LONG_STEPS = [10_000, 500_000, 1_000_000, 1_500_000, 2_000_000];
const STEP = 1_000;

interface Line extends Memory {
  readonly label: string;
  readonly processes: number;
}

async function run({ long, profile }: Options): Promise<Report> {
  const lines: Line[] = [];
  for (const handlers of [1, 20]) lines.push(await idle(handlers));
  if (long) lines.push(...(await underLoad(profile)));
  return { tables: [tableOf(lines)], data: lines, failures: [] };
}

async function idle(handlers: number): Promise<Line> {
  const lab = await Lab.open(undefined);
  try {
    const pid = await startWith(lab, handlers);
    await pause(SETTLE_MS);
    return lineOf(`idle, ${handlers} handler${handlers === 1 ? "" : "s"}`, processTree(pid));
  } finally {
    await lab.close();
  }
}

async function underLoad(profile: string | undefined): Promise<Line[]> {
  const lab = await Lab.open(profile);
  try {
    const pid = await startWith(lab, 1);
    const lines: Line[] = [];
    let sent = 0;
    for (const until of LONG_STEPS) {
      await lab.publisher.call("flood", {
        subjects: ["bench.memory.0"],
        handlers: [workOf(0)],
        count: until - sent,
        payloadBytes: 120,
        step: STEP,
        window: 8_000,
      });
      sent = until;
      lines.push(lineOf(`after ${until.toLocaleString("en-US")} messages`, processTree(pid)));
    }
    return lines;
  } finally {
    await lab.close();
  }
}

async function startWith(lab: Lab, handlers: number): Promise<number> {
  const project = lab.project();
  for (let at = 0; at < handlers; at++) project.write(workOf(at).name, handlerSource(workOf(at)));
  const runtime = lab.runtime();
  await runtime.call("start", lab.startOptions(project, "start"));
  return runtime.pid;
}

function workOf(at: number): Work {
  return { name: `memory-${at}`, subject: `bench.memory.${at}`, does: "count", step: STEP };
}

function lineOf(label: string, pids: readonly number[]): Line {
  return { label, processes: pids.length, ...memoryOf(pids) };
}

function tableOf(lines: readonly Line[]): Table {
  return {
    title: "memory: supervisor, workers and all else it started",
    head: ["", "processes", "RSS MiB", "PSS MiB"],
    rows: lines.map(({ label, processes, rssMiB, pssMiB }) => [label, String(processes), whole(rssMiB), whole(pssMiB)]),
    notes: ["one worker is kept warm beside those that serve; esbuild and the reaper are counted too"],
  };
}

export const memory: Scenario = { name: "memory", summary: "RSS and PSS, idle and (--long) loaded", run };
