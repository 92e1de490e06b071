// What a handler's own messages feel while `handlers shadow` runs stored ones through two versions of it, in a process of its own as
// CI or an author starts it: how long each takes from its publisher to the end of the function, quiet and meanwhile.

import { setTimeout as pause } from "node:timers/promises";
import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { runCli } from "../../support/cli-process.ts";
import { connectClient, type TestClient } from "../../support/client.ts";
import { Lab } from "../lab.ts";
import { LIVE_PER_SECOND, Live } from "../live.ts";
import { percentile, ratiosOf, spreadOf } from "../measure/statistics.ts";
import { one, perSecond, showSpread, two, verdictLine } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Project } from "../project.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const STORED = 10_000;
/** Quiet for as long as the shadow takes: what else a machine does comes in both, and is as slow. */
const LEAST_QUIET_MS = 10_000;
const WARM_UP_MS = 5_000;
const STREAM = "BENCH";
const SUBJECT = "bench.order";
const AT_ONCE = 256;

const handler = (rate: number) => `
export const metadata = { kind: "durable", subject: "${SUBJECT}", from: "new" };
export default async ({ sentNs }, ctx) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (ctx.shadow) await ctx.publish("billed", { rate: ${rate} });
  else await ctx.publish("took", { us: Number(process.hrtime.bigint() - BigInt(sentNs)) / 1_000 });
};
`;

interface Round {
  readonly quietUs: readonly number[];
  readonly duringUs: readonly number[];
  readonly shadowedPerSecond: number;
}

async function run(options: Options): Promise<Report> {
  const { messages = STORED, rounds } = options;
  const lab = await Lab.open(options.profile);
  try {
    const client = await connectClient(lab.server.url);
    await store(client, messages);
    const project = lab.project();
    project.write("order", handler(19));
    const runtime = lab.runtime();
    await runtime.call("start", lab.startOptions(project, "start"));
    await cli(lab, project, ["build", "--out", "deployed"], 0);
    project.write("order", handler(21)); // `start` does not look at it.
    const live = new Live(client, SUBJECT);
    await live.during(() => pause(WARM_UP_MS));
    const all: Round[] = [];
    for (let round = 1; round <= rounds; round++) all.push(await measure(lab, project, live, messages));
    live.close();
    const failures = await runtime.call("failures", null);
    await runtime.call("close", null);
    await client.connection.close();
    const ratio = ratiosOf(p99s(all, "duringUs"), p99s(all, "quietUs"));
    return {
      tables: [tableOf(all, ratio, messages)],
      data: all.map(({ quietUs, duringUs, shadowedPerSecond }) => ({
        quietP99Us: percentile(quietUs, 0.99),
        duringP99Us: percentile(duringUs, 0.99),
        shadowedPerSecond,
      })),
      failures,
      numbers: { shadowP99: spreadOf(ratio).median },
    };
  } finally {
    await lab.close();
  }
}

/** Before the handler is there: it begins with what comes then. */
async function store(client: TestClient, count: number): Promise<void> {
  const jsm = await jetstreamManager(client.connection);
  await jsm.streams.add({ name: STREAM, subjects: [SUBJECT], storage: StorageType.File });
  const js = jetstream(client.connection);
  const text = JSON.stringify({ sentNs: "0", text: "a".repeat(80) });
  for (let at = 0; at < count; at += AT_ONCE) {
    const lot = Math.min(AT_ONCE, count - at);
    await Promise.all(Array.from({ length: lot }, () => js.publish(SUBJECT, text)));
  }
}

/** Rejects when it ends otherwise. */
async function cli(lab: Lab, { rootDir }: Project, args: string[], code: number): Promise<string> {
  const ended = await runCli([...args, "--app", "bench"], { cwd: rootDir, env: { NATS_URL: lab.server.url } });
  if (ended.code !== code)
    throw new Error(`${args.join(" ")} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

async function measure(lab: Lab, project: Project, live: Live, messages: number): Promise<Round> {
  const startedMs = performance.now();
  const duringUs = await live.during(async () => {
    const args = ["shadow", "order", "--limit", `${messages}`, "--against", "deployed", "--json"];
    const { differences } = JSON.parse(await cli(lab, project, args, 1)) as { differences: { messages: number }[] };
    const found = differences.map((difference) => difference.messages);
    if (found.length !== 1 || found[0] !== messages) throw new Error(`the shadow found ${JSON.stringify(found)}`);
  });
  const tookMs = performance.now() - startedMs;
  const shadowedPerSecond = messages / (tookMs / 1_000);
  const quietUs = await live.during(() => pause(Math.max(LEAST_QUIET_MS, tookMs)));
  return { quietUs, duringUs, shadowedPerSecond };
}

function p99s(all: readonly Round[], when: "quietUs" | "duringUs"): number[] {
  return all.map((round) => percentile(round[when], 0.99));
}

function tableOf(all: readonly Round[], ratio: readonly number[], messages: number): Table {
  const row = (label: string, when: "quietUs" | "duringUs") => {
    const middle = all.map((round) => percentile(round[when], 0.5));
    const last = p99s(all, when).map((us) => us / 1_000);
    return [label, one(percentile(middle, 0.5) / 1_000), showSpread(spreadOf(last), one)];
  };
  const rates = spreadOf(all.map(({ shadowedPerSecond }) => shadowedPerSecond));
  const median = spreadOf(ratio).median;
  return {
    title: `shadow: ${LIVE_PER_SECOND} live messages a second beside ${messages.toLocaleString("en-US")} through two versions (${all.length} rounds)`,
    head: ["", "p50 ms", "p99 ms"],
    rows: [
      row("quiet", "quietUs"),
      row("during the shadow", "duringUs"),
      ["ratio, pair by pair", "", showSpread(spreadOf(ratio), two)],
      ["stored messages/s, start included", showSpread(rates, perSecond), ""],
    ],
    notes: [verdictLine(`p99 ${two(median)} of quiet`, median, "shadowP99")],
  };
}

export const shadow: Scenario = {
  name: "shadow",
  summary: "a durable handler's latency while 10,000 stored messages are run through two versions of it",
  run,
};
