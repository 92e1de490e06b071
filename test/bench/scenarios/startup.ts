// Start-up with many handler files: from the start of the runtime until every handler serves, and the memory then.

import { Lab } from "../lab.ts";
import { memoryOf, processTree } from "../measure/process-cpu.ts";
import { two, whole } from "../output/figures.ts";
import { handlerSource } from "../project.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

async function run({ files }: Options): Promise<Report> {
  const lab = await Lab.open(undefined);
  try {
    const project = lab.project();
    for (let at = 0; at < files; at++) {
      const name = `handler-${at}`;
      project.write(name, handlerSource({ name, subject: `bench.startup.${at}`, does: "count", step: 1_000 }));
    }
    const runtime = lab.runtime();
    const startedMs = performance.now();
    await runtime.call("start", lab.startOptions(project, "start"));
    const seconds = (performance.now() - startedMs) / 1_000;
    const pids = processTree(runtime.pid);
    const { rssMiB, pssMiB } = memoryOf(pids);
    const failures = await runtime.call("failures", null);
    return {
      tables: [
        {
          title: `startup: ${files} handler files (bar 10 s, 400 MB; beyond 2.5 s, 300 MB, for 1,000)`,
          head: ["", "seconds", "processes", "RSS MiB", "PSS MiB"],
          rows: [["all serving", two(seconds), String(pids.length), whole(rssMiB), whole(pssMiB)]],
          notes: [],
        },
      ],
      data: { files, seconds, processes: pids.length, rssMiB, pssMiB },
      failures: failures.slice(0, 5),
    };
  } finally {
    await lab.close();
  }
}

export const startup: Scenario = { name: "startup", summary: "1,000 handler files: time and memory", run };
