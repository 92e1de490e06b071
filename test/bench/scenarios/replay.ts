// What a handler's own messages feel while stored ones are replayed to it: how long each takes from its publisher to the end
// of the function, quiet and during `handlers replay`, which runs in a process of its own as an operator starts it.

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

const STORED = 100_000;
/** Quiet for as long as the replay takes: what else a machine does comes in both, and is as slow. */
const LEAST_QUIET_MS = 10_000;
const WARM_UP_MS = 5_000;
const STREAM = "BENCH";
const SUBJECT = "bench.order";
const AT_ONCE = 256;

/** Every live message is told of with how long it took; time is that of the machine. */
const HANDLER = `
export const metadata = { kind: "durable", subject: "${SUBJECT}", from: "new" };
export default async ({ sentNs }, ctx) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (!ctx.replayed) await ctx.publish("took", { us: Number(process.hrtime.bigint() - BigInt(sentNs)) / 1_000 });
};
`;

interface Round {
  readonly quietUs: readonly number[];
  readonly duringUs: readonly number[];
  readonly replayedPerSecond: number;
}

async function run(options: Options): Promise<Report> {
  const { messages = STORED, rounds } = options;
  const lab = await Lab.open(options.profile);
  try {
    const client = await connectClient(lab.server.url);
    await store(client, messages);
    const project = lab.project();
    project.write("order", HANDLER);
    const runtime = lab.runtime();
    await runtime.call("start", lab.startOptions(project, "start"));
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
      data: all.map(({ quietUs, duringUs, replayedPerSecond }) => ({
        quietP99Us: percentile(quietUs, 0.99),
        duringP99Us: percentile(duringUs, 0.99),
        replayedPerSecond,
      })),
      failures,
      numbers: { replayP99: spreadOf(ratio).median },
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

async function measure(lab: Lab, { rootDir }: Project, live: Live, messages: number): Promise<Round> {
  const startedMs = performance.now();
  const duringUs = await live.during(async () => {
    const args = ["replay", "order", "--from", "1", "--to", `${messages}`, "--again", "--app", "bench", "--json"];
    const { code, stdout, stderr } = await runCli(args, { cwd: rootDir, env: { NATS_URL: lab.server.url } });
    const { sent } = JSON.parse(stdout || "{}") as { sent?: number };
    if (code !== 0 || sent !== messages) throw new Error(`the replay ended with ${code}: ${stdout}${stderr}`);
  });
  const tookMs = performance.now() - startedMs;
  const replayedPerSecond = messages / (tookMs / 1_000);
  const quietUs = await live.during(() => pause(Math.max(LEAST_QUIET_MS, tookMs)));
  return { quietUs, duringUs, replayedPerSecond };
}

function p99s(all: readonly Round[], when: "quietUs" | "duringUs"): number[] {
  return all.map((round) => percentile(round[when], 0.99));
}

function tableOf(all: readonly Round[], ratio: readonly number[], messages: number): Table {
  const row = (label: string, when: "quietUs" | "duringUs") => [
    label,
    one(
      percentile(
        all.map((round) => percentile(round[when], 0.5)),
        0.5,
      ) / 1_000,
    ),
    showSpread(spreadOf(p99s(all, when).map((us) => us / 1_000)), one),
  ];
  const rates = spreadOf(all.map(({ replayedPerSecond }) => replayedPerSecond));
  const median = spreadOf(ratio).median;
  return {
    title: `replay: ${LIVE_PER_SECOND} live messages a second beside ${messages.toLocaleString("en-US")} replayed (${all.length} rounds)`,
    head: ["", "p50 ms", "p99 ms"],
    rows: [
      row("quiet", "quietUs"),
      row("during the replay", "duringUs"),
      ["ratio, pair by pair", "", showSpread(spreadOf(ratio), two)],
      ["replayed/s", showSpread(rates, perSecond), ""],
    ],
    notes: [verdictLine(`p99 ${two(median)} of quiet`, median, "replayP99")],
  };
}

export const replay: Scenario = {
  name: "replay",
  summary: "a durable handler's latency while 100,000 stored messages are replayed to it",
  run,
};
