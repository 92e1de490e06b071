// Durable messages with an ack for each: a stream of stored messages is taken from its beginning, again and again, by the
// raw client's `consume` and by a handler. For ours the durable is removed between rounds: the runtime makes it anew.

import { join } from "node:path";
import { type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Lab } from "../lab.ts";
import { cpuNs, processTree } from "../measure/process-cpu.ts";
import { ratiosOf, spreadOf } from "../measure/statistics.ts";
import { type Bar, perSecond, showSpread, two, verdictLine } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { RawDurableCommands } from "../processes/raw-durable.ts";
import { Child } from "../rpc.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import { payloadOf, SCHEMA_SOURCE } from "../work.ts";

const STREAM = "BENCH";
const SUBJECT = "bench.durable";
const RATE: Bar = { better: "higher", bar: 0.7, beyond: 1 };
const PROFILE = new URL("../measure/profile.ts", import.meta.url);

interface Plan {
  readonly atOnce: number;
  readonly messages: number;
  readonly step: number;
}

const PLANS: readonly Plan[] = [
  { atOnce: 256, messages: 100_000, step: 1_000 },
  { atOnce: 1, messages: 10_000, step: 100 },
];

interface Contender {
  /** Take everything again, from the beginning. */
  again(round: number): Promise<void>;
  cpu(): number;
  readonly progress: string;
  failures(): Promise<string[]>;
  close(): Promise<void>;
}

interface Measured {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly serverUs: number;
}

async function run(options: Options): Promise<Report> {
  const lab = await Lab.open(options.profile);
  const nats = await connect({ servers: lab.server.url, noAsyncTraces: true });
  try {
    const manager = await jetstreamManager(nats);
    const tables: Table[] = [];
    const data: Record<string, unknown> = {};
    const failures: string[] = [];
    for (const plan of PLANS) {
      const messages = options.messages ?? plan.messages;
      const compared = await compare({ ...plan, messages }, options, { lab, nats, manager });
      tables.push(tableOf(compared, { ...plan, messages }, options.rounds));
      data[plan.atOnce] = compared;
      failures.push(...compared.failures);
    }
    return { tables, data, failures };
  } finally {
    await nats.close();
    await lab.close();
  }
}

interface Site {
  readonly lab: Lab;
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
}

interface Compared {
  readonly raw: readonly Measured[];
  readonly ours: readonly Measured[];
  readonly failures: readonly string[];
}

async function compare(plan: Plan, options: Options, site: Site): Promise<Compared> {
  await fill(plan, site);
  const contenders = { raw: await rawContender(plan, options, site), ours: await ourContender(plan, options, site) };
  const all: { raw: Measured[]; ours: Measured[] } = { raw: [], ours: [] };
  // Round 0 warms up.
  for (let round = 0; round <= options.rounds; round++) {
    for (const name of ["raw", "ours"] as const) {
      const measured = await measure(contenders[name], round, plan, site);
      if (round > 0) all[name].push(measured);
    }
  }
  const failures = [...(await contenders.raw.failures()), ...(await contenders.ours.failures())];
  await contenders.raw.close();
  await contenders.ours.close();
  await site.manager.streams.delete(STREAM);
  return { ...all, failures };
}

async function fill({ messages }: Plan, { manager, nats }: Site): Promise<void> {
  await manager.streams.add({ name: STREAM, subjects: [SUBJECT], storage: StorageType.Memory });
  for (let sent = 0; sent < messages; sent++) {
    nats.publish(SUBJECT, payloadOf(120, sent));
    if (sent % 1_000 === 0) await nats.flush();
  }
  // One more, for the server's word that it has them all.
  await nats.request(SUBJECT, payloadOf(120), { timeout: 30_000 });
}

/** From the first step handled to the last: how it begins is not what is measured. */
async function measure(contender: Contender, round: number, plan: Plan, { lab, nats }: Site): Promise<Measured> {
  const steps = Math.floor(plan.messages / plan.step);
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const stalled = setTimeout(() => reject(new Error(`${contender.progress}: ${seen} of ${steps} steps`)), 60_000);
  const cpu = () => [contender.cpu(), cpuNs(lab.server.pid)] as const;
  let seen = 0;
  let first = { atMs: 0, cpu: cpu() };
  let last = first;
  const subscription = nats.subscribe(contender.progress, {
    callback: () => {
      seen++;
      if (seen === 1) first = { atMs: performance.now(), cpu: cpu() };
      if (seen < steps) return;
      last = { atMs: performance.now(), cpu: cpu() };
      resolve();
    },
  });
  await nats.flush();
  await contender.again(round);
  await done.finally(() => clearTimeout(stalled));
  subscription.unsubscribe();
  const handled = (steps - 1) * plan.step;
  return {
    perSecond: handled / ((last.atMs - first.atMs) / 1_000),
    cpuUs: (last.cpu[0] - first.cpu[0]) / 1_000 / handled,
    serverUs: (last.cpu[1] - first.cpu[1]) / 1_000 / handled,
  };
}

async function rawContender({ atOnce, step }: Plan, { profile }: Options, { lab }: Site): Promise<Contender> {
  const child = new Child<RawDurableCommands>(new URL("../processes/raw-durable.ts", import.meta.url));
  const progress = "bench.progress.raw";
  await child.call("start", { natsUrl: lab.server.url, stream: STREAM, subject: SUBJECT, progress, step, atOnce });
  if (profile !== undefined) await child.call("startProfile", null);
  return {
    progress,
    again: (round) => child.call("again", `raw-${round}`),
    cpu: () => cpuNs(child.pid),
    failures: () => child.call("failures", null),
    async close() {
      if (profile !== undefined) await child.call("stopProfile", join(profile, `durable-${atOnce}.raw.cpuprofile`));
      await child.call("close", null);
      await child.end();
    },
  };
}

async function ourContender(plan: Plan, { profile }: Options, { lab, manager }: Site): Promise<Contender> {
  const progress = "bench.progress.ours";
  const file = (part: string) => profile && join(profile, `durable-${plan.atOnce}.${part}.cpuprofile`);
  const project = lab.project();
  project.write("ours", handlerSource(plan, progress, file("worker")));
  const child = lab.runtime();
  const supervisorProfile = file("supervisor");
  return {
    progress,
    async again(round) {
      if (round > 0) return void (await manager.consumers.delete(STREAM, "bench-ours"));
      await child.call("start", lab.startOptions(project, "start"));
      if (supervisorProfile !== undefined) await child.call("startProfile", null);
    },
    cpu: () => processTree(child.pid).reduce((sum, pid) => sum + cpuNs(pid), 0),
    failures: () => child.call("failures", null),
    async close() {
      if (supervisorProfile !== undefined) await child.call("stopProfile", supervisorProfile);
      await child.call("close", null);
      await child.end();
      project.remove();
    },
  };
}

function handlerSource({ atOnce, step }: Plan, progress: string, profileFile: string | undefined): string {
  const profiled = `import { startProfile, stopProfile } from ${JSON.stringify(PROFILE.pathname)};
export const setup = () => startProfile();
export const teardown = () => stopProfile(${JSON.stringify(profileFile)});`;
  return `import { z } from "zod";
${profileFile === undefined ? "" : profiled}
export const metadata = {
  kind: "durable", subject: "${SUBJECT}", concurrency: ${atOnce}, schema: ${SCHEMA_SOURCE},
};
let handled = 0;
export default (event, ctx) => { if (++handled % ${step} === 0) return ctx.publish("${progress}", ""); };
`;
}

function tableOf({ raw, ours }: Compared, { atOnce, messages }: Plan, rounds: number): Table {
  const ratios = (pick: (measured: Measured) => number) => spreadOf(ratiosOf(ours.map(pick), raw.map(pick)));
  const rate = ratios((measured) => measured.perSecond);
  const row = (label: string, all: readonly Measured[]) => [
    label,
    showSpread(spreadOf(all.map((measured) => measured.perSecond)), perSecond),
    showSpread(spreadOf(all.map(({ cpuUs }) => cpuUs)), two),
    showSpread(spreadOf(all.map(({ serverUs }) => serverUs)), two),
  ];
  return {
    title: `durable: an ack for each, ${atOnce} at once (${rounds} rounds of ${messages.toLocaleString("en-US")} messages)`,
    head: ["", "messages/s", "CPU us/message", "server"],
    rows: [
      row("raw `consume` with a callback", raw),
      row("nats-handlers", ours),
      [
        "ratio, pair by pair",
        showSpread(rate, two),
        showSpread(
          ratios(({ cpuUs }) => cpuUs),
          two,
        ),
      ],
    ],
    notes: atOnce === 1 ? [] : [verdictLine(`messages/s ${two(rate.median)} of raw`, rate.median, RATE)],
  };
}

export const durable: Scenario = {
  name: "durable",
  summary: "messages/s of a stream, an ack for each, 256 and 1 at once",
  run,
};
