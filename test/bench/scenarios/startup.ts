// Start-up with many handler files, from their sources and from a build of them: from the start of the runtime until every handler
// is bound, the memory then, and how long the first message to an idle handler takes.

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BUILD_DIR } from "../../../runtime/prebuild/layout.ts";
import { runCli } from "../../support/cli-process.ts";
import { Lab } from "../lab.ts";
import { memoryOf, processTree } from "../measure/process-cpu.ts";
import { percentile } from "../measure/statistics.ts";
import { one, two, verdictLine, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import { handlerSource, type Project } from "../project.ts";
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

type From = "sources" | "a build";

interface Started {
  readonly from: From;
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
    const asked = works.filter(({ does }) => does === "reply").slice(0, COLD_STARTS);
    const all: Started[] = [];
    const failures: string[] = [];
    for (const from of ["sources", "a build"] as const) {
      const buildDir = from === "a build" ? await build(project) : undefined;
      const runtime = lab.runtime();
      const startedMs = performance.now();
      await runtime.call("start", { ...lab.startOptions(project, "start"), ...(buildDir && { buildDir }) });
      const seconds = (performance.now() - startedMs) / 1_000;
      await pause(SETTLE_MS);
      const pids = processTree(runtime.pid);
      const memory = memoryOf(pids);
      all.push({ from, seconds, processes: pids.length, ...memory, coldMs: await firstAnswers(lab, asked) });
      failures.push(...(await runtime.call("failures", null)));
      await runtime.call("close", null);
    }
    const numbers = files < FULL_SIZE ? {} : numbersOf(all);
    return { tables: [tableOf(all, files)], data: all, failures: failures.slice(0, 5), numbers };
  } finally {
    await lab.close();
  }
}

/** Its folder. */
async function build({ rootDir }: Project): Promise<string> {
  const { code, stdout, stderr } = await runCli(["build"], { cwd: rootDir });
  if (code !== 0) throw new Error(`the build ended with ${code}: ${stdout}${stderr}`);
  return join(rootDir, BUILD_DIR);
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
function numbersOf([sources, built]: readonly Started[]): Numbers {
  const { seconds, rssMiB, coldMs } = sources!;
  const startBuiltSeconds = built!.seconds;
  const coldBuiltP95 = percentile(built!.coldMs, 0.95);
  return {
    startSeconds: seconds,
    startBuiltSeconds,
    startRss: rssMiB,
    coldP95: percentile(coldMs, 0.95),
    coldBuiltP95,
  };
}

function tableOf(all: readonly Started[], files: number): Table {
  const asked = all[0]!.coldMs.length;
  const numbers = files < FULL_SIZE ? {} : numbersOf(all);
  const verdict = (name: keyof Numbers, text: (value: number) => string) => {
    const value = numbers[name];
    return value === undefined ? [] : [verdictLine(text(value), value, name)];
  };
  return {
    title: `startup: ${files} handler files, and the first answers of ${asked} idle ones`,
    head: ["from", "seconds", "processes", "RSS MiB", "PSS MiB", "cold p50 ms", "p95", "max"],
    rows: all.map(({ from, seconds, processes, rssMiB, pssMiB, coldMs }) => [
      from,
      two(seconds),
      String(processes),
      whole(rssMiB),
      whole(pssMiB),
      ...[0.5, 0.95, 1].map((share) => one(percentile(coldMs, share))),
    ]),
    notes: [
      ...verdict("startSeconds", (seconds) => `bound in ${two(seconds)} s`),
      ...verdict("startBuiltSeconds", (seconds) => `bound from a build in ${two(seconds)} s`),
      ...verdict("startRss", (mib) => `${whole(mib)} MiB resident`),
      ...verdict("coldP95", (ms) => `first answer p95 ${one(ms)} ms`),
      ...verdict("coldBuiltP95", (ms) => `the same from a build ${one(ms)} ms`),
    ],
  };
}

export const startup: Scenario = { name: "startup", summary: "1,000 handler files: time, memory, cold starts", run };
