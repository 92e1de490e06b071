// Memory of the supervisor, its workers and everything else it starts: idle, and after a flood. Whether it grows over two
// million messages, `flat` tells.

import { setTimeout as pause } from "node:timers/promises";
import { runtimeDefaults } from "../../../runtime/config/defaults.ts";
import { Lab } from "../lab.ts";
import { type Memory, memoryOf, processTree } from "../measure/process-cpu.ts";
import { whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import { handlerSource } from "../project.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

const SETTLE_MS = 2_000;
const MANY = 1_000;
const STEP = 1_000;
const MESSAGES = 300_000;

interface Line extends Memory {
  readonly label: string;
  readonly processes: number;
}

async function run({ messages = MESSAGES }: Options): Promise<Report> {
  const lines = [await idle(1), await idle(20), await idle(MANY), await loaded(messages)];
  return { tables: [tableOf(lines)], data: lines, failures: [] };
}

async function idle(handlers: number): Promise<Line> {
  const lab = await Lab.open(undefined);
  try {
    const pid = await startWith(lab, handlers);
    await pause(SETTLE_MS);
    return lineOf(`idle, ${whole(handlers)} handler${handlers === 1 ? "" : "s"}`, processTree(pid));
  } finally {
    await lab.close();
  }
}

async function loaded(messages: number): Promise<Line> {
  const lab = await Lab.open(undefined);
  try {
    const pid = await startWith(lab, 1);
    const count = Math.ceil(messages / STEP) * STEP;
    const flood = { subjects: ["bench.memory.0"], handlers: [workOf(0)], payloadBytes: 120, step: STEP, window: 8_000 };
    await lab.publisher.call("flood", { ...flood, count });
    return lineOf(`loaded: after ${whole(count)} messages`, processTree(pid));
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
    notes: [
      `${runtimeDefaults.warmWorkers} workers are kept warm beside those that serve; all that was started is counted`,
    ],
  };
}

export const memory: Scenario = { name: "memory", summary: "RSS and PSS, idle and loaded", run };
