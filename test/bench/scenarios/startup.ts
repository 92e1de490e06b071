// Start-up with many handler files: from the start of the runtime until every handler is bound, the memory then, and how
// long the first message to an idle handler takes.

import { setTimeout as pause } from "node:timers/promises";
import { Lab } from "../lab.ts";
import { memoryOf, processTree } from "../measure/process-cpu.ts";
import { percentile } from "../measure/statistics.ts";
import { one, two, verdictLine, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import { handlerSource } from "../project.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Numbers } from "../thresholds.ts";
import type { Work } from "../work.ts";

const COLD_STARTS = 60;
const PAYLOAD_BYTES = 120;
/** Memory is read when all that is started beside the handlers is up, too: warm workers, and the process that starts them. */
const SETTLE_MS = 2_000;
/** The pool has a warm worker again by then. */
const GAP_MS = 400;
const FULL_SIZE = 1_000;

interface Started {
  readonly files: number;
  readonly seconds: number;
  readonly processes: number;
  readonly rssMiB: number;
  readonly pssMiB: number;
  readonly coldMs: readonly number[];
}

async function run({ files }: Options): Promise<Report> {
  const lab = await Lab.open(undefined);
  try {
    const project = lab.project();
    const works = Array.from({ length: files }, (_, at) => workOf(at));
    for (const work of works) project.write(work.name, handlerSource(work));
    const runtime = lab.runtime();
    const startedMs = performance.now();
    await runtime.call("start", lab.startOptions(project, "start"));
    const seconds = (performance.now() - startedMs) / 1_000;
    await pause(SETTLE_MS);
    const pids = processTree(runtime.pid);
    const memory = memoryOf(pids);
    const asked = works.filter(({ does }) => does === "reply").slice(0, COLD_STARTS);
    const coldMs = await firstAnswers(lab, asked);
    const failures = await runtime.call("failures", null);
    const started = { files, seconds, processes: pids.length, ...memory, coldMs };
    return { tables: [tableOf(started)], data: started, failures: failures.slice(0, 5), numbers: numbersOf(started) };
  } finally {
    await lab.close();
  }
}

/** One in ten answers requests. */
function workOf(at: number): Work {
  return {
    name: `handler-${at}`,
    subject: `bench.startup.${at}`,
    does: at % 10 === 0 ? "reply" : "count",
    step: 1_000,
  };
}

async function firstAnswers(lab: Lab, works: readonly Work[]): Promise<number[]> {
  const coldMs: number[] = [];
  for (const { subject } of works) {
    await pause(GAP_MS);
    const asked = await lab.publisher.call("ask", { subject, payloadBytes: PAYLOAD_BYTES, atOnce: 1, count: 1 });
    coldMs.push(...asked.latenciesMs);
  }
  return coldMs;
}

/** The thresholds are made for a thousand; a few handlers all have a process from the start. */
function numbersOf({ files, seconds, rssMiB, coldMs }: Started): Numbers {
  if (files < FULL_SIZE) return {};
  return { startSeconds: seconds, startRss: rssMiB, coldP95: percentile(coldMs, 0.95) };
}

function tableOf({ files, seconds, processes, rssMiB, pssMiB, coldMs }: Started): Table {
  const cold = [0.5, 0.95, 1].map((share) => one(percentile(coldMs, share)));
  const p95 = percentile(coldMs, 0.95);
  const verdicts = [
    verdictLine(`bound in ${two(seconds)} s`, seconds, "startSeconds"),
    verdictLine(`${whole(rssMiB)} MiB resident`, rssMiB, "startRss"),
    verdictLine(`first answer p95 ${one(p95)} ms`, p95, "coldP95"),
  ];
  return {
    title: `startup: ${files} handler files, and the first answers of ${coldMs.length} idle ones`,
    head: ["", "seconds", "processes", "RSS MiB", "PSS MiB", "cold p50 ms", "p95", "max"],
    rows: [["all bound", two(seconds), String(processes), whole(rssMiB), whole(pssMiB), ...cold]],
    notes: files < FULL_SIZE ? [] : verdicts,
  };
}

export const startup: Scenario = { name: "startup", summary: "1,000 handler files: time, memory, cold starts", run };
