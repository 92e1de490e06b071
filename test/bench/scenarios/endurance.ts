// A handler is saved, crashes, comes back, and is saved again, thousands of times: processes, descriptors, files and
// memory of the supervisor must be at the end what they were at the beginning.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectClient, type TestClient } from "../../support/client.ts";
import { Lab } from "../lab.ts";
import { memoryOf, processTree } from "../measure/process-cpu.ts";
import { one, two } from "../output/figures.ts";
import type { OursCommands } from "../processes/ours.ts";
import { ServedWaiter } from "../processes/served.ts";
import type { Project } from "../project.ts";
import type { Child } from "../rpc.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const SUBJECT = "bench.endurance";
const HANDLER = "endurance";
/** Compilers and caches settle meanwhile. */
const WARM_UP_CYCLES = 50;
const LOOKS = 4;
const SETTLE_MS = 1_500;
const MOST_GROWTH_MIB = 3;

interface Look {
  readonly cycles: number;
  readonly processes: number;
  readonly descriptors: number;
  readonly builtFiles: number;
  readonly tempEntries: number;
  readonly heldMiB: number;
  /** Of the supervisor alone. */
  readonly rssMiB: number;
}

interface Subject {
  readonly project: Project;
  readonly runtime: Child<OursCommands>;
  readonly served: ServedWaiter;
  readonly client: TestClient;
}

async function run({ cycles }: Options): Promise<Report> {
  // Others use the machine's folder too.
  const before = process.env.TMPDIR;
  const own = mkdtempSync(join(tmpdir(), "nats-handlers-endurance-"));
  process.env.TMPDIR = own;
  try {
    return await endure(cycles);
  } finally {
    rmSync(own, { recursive: true, force: true });
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

async function endure(cycles: number): Promise<Report> {
  const lab = await Lab.open(undefined);
  try {
    const subject = await start(lab);
    let done = 0;
    const goOn = async (until: number) => {
      while (done < until) await cycle(subject, ++done);
    };
    await goOn(WARM_UP_CYCLES);
    const looks = [await look(subject, 0)];
    const startedMs = performance.now();
    for (let at = 1; at <= LOOKS; at++) {
      await goOn(WARM_UP_CYCLES + Math.round((cycles * at) / LOOKS));
      looks.push(await look(subject, done - WARM_UP_CYCLES));
    }
    const perCycleMs = (performance.now() - startedMs) / cycles;
    await subject.client.connection.close();
    return reportOf(looks, perCycleMs);
  } finally {
    await lab.close();
  }
}

async function start(lab: Lab): Promise<Subject> {
  const project = lab.project();
  project.write(HANDLER, sourceOf(0));
  const runtime = lab.runtime();
  const served = new ServedWaiter(runtime);
  await runtime.call("start", lab.startOptions(project, "dev"));
  return { project, runtime, served, client: await connectClient(lab.server.url) };
}

function sourceOf(version: number): string {
  return `import { z } from "zod";
const schema = z.object({ crash: z.boolean() });
export const metadata = { subject: "${SUBJECT}", kind: "request", schema };
export default ({ crash }) => (crash ? process.exit(1) : ${version});
`;
}

async function cycle({ project, served, client }: Subject, version: number): Promise<void> {
  await served.after(() => project.write(HANDLER, sourceOf(version)), HANDLER, "reload");
  await served.after(async () => expectAnswer(await ask(client, true), 500, ""), HANDLER, "restart");
  expectAnswer(await ask(client, false), 0, String(version));
}

async function ask(client: TestClient, crash: boolean) {
  const { code, text } = await client.ask(SUBJECT, { crash });
  return { code, text };
}

function expectAnswer(answer: { code: number; text: string }, code: number, text: string): void {
  if (answer.code === code && answer.text === text) return;
  throw new Error(`the answer was ${answer.code} ${JSON.stringify(answer.text)}, and not ${code} "${text}"`);
}

async function look({ project, runtime }: Subject, cycles: number): Promise<Look> {
  await pause(SETTLE_MS);
  const built = readdirSync(join(project.rootDir, ".handlers"), { recursive: true, encoding: "utf8" });
  return {
    cycles,
    processes: processTree(runtime.pid).length,
    descriptors: readdirSync(`/proc/${runtime.pid}/fd`).length,
    builtFiles: built.length,
    tempEntries: readdirSync(tmpdir()).length,
    heldMiB: await runtime.call("heldMiB", null),
    rssMiB: memoryOf([runtime.pid]).rssMiB,
  };
}

function reportOf(looks: readonly Look[], perCycleMs: number): Report {
  const first = looks[0]!;
  const last = looks.at(-1)!;
  const counted = ["processes", "descriptors", "builtFiles", "tempEntries"] as const;
  const grown = counted.filter((what) => last[what] > first[what]);
  const failures = grown.map((what) => `${what}: ${first[what]} before, ${last[what]} after`);
  const growthMiB = last.heldMiB - first.heldMiB;
  if (growthMiB > MOST_GROWTH_MIB) failures.push(`the supervisor holds ${two(growthMiB)} MiB more than before`);
  return {
    tables: [
      {
        title: `endurance: ${last.cycles} times saved, crashed and restarted (bar: nothing grows)`,
        head: ["after cycles", "processes", "descriptors", "built files", "temp entries", "held MiB", "RSS MiB"],
        rows: looks.map((seen) => [
          String(seen.cycles),
          ...counted.map((what) => String(seen[what])),
          two(seen.heldMiB),
          one(seen.rssMiB),
        ]),
        notes: [`${one(perCycleMs)} ms for each cycle`],
      },
    ],
    data: { looks, perCycleMs },
    failures,
  };
}

export const endurance: Scenario = {
  name: "endurance",
  summary: "2,000 saves and crashes: processes, descriptors, files, memory",
  run,
};
