// An operator turns a handler off: how long until each of three replicas takes no more of its messages.

import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../../runtime/clock.ts";
import { ControlClient } from "../../../runtime/control/client.ts";
import type { ReplicaInfo } from "../../../runtime/control/control-protocol.ts";
import type { Intent } from "../../../runtime/control/intent.ts";
import { type IntentStore, openIntentStore } from "../../../runtime/control/intent-store.ts";
import { connectClient } from "../../support/client.ts";
import { Lab } from "../lab.ts";
import { percentile } from "../measure/statistics.ts";
import { one, verdictLine } from "../output/figures.ts";
import type { OursCommands } from "../processes/ours.ts";
import { handlerSource } from "../project.ts";
import type { Child } from "../rpc.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const REPLICAS = 3;
const TIMES = 30;
const LIMIT_MS = 5_000;
const GAP_MS = 50;
const WORK = { name: "switched", subject: "bench.switched", does: "reply", step: 1 } as const;

interface Operator {
  readonly control: ControlClient;
  readonly store: IntentStore;
  readonly replicas: readonly ReplicaInfo[];
}

async function run({ rounds }: Options): Promise<Report> {
  const lab = await Lab.open(undefined);
  try {
    const runtimes = [];
    for (let at = 0; at < REPLICAS; at++) runtimes.push(await startReplica(lab));
    const { connection } = await connectClient(lab.server.url);
    const control = new ControlClient(connection, "bench", undefined, systemClock);
    const store = await openIntentStore(connection, "bench", systemClock);
    const replicas = await allReplicas(control);
    const operator = { control, store, replicas };
    const offMs: number[] = [];
    const onMs: number[] = [];
    await switchTo(operator, true);
    await switchTo(operator, false);
    for (let time = 0; time < TIMES * Math.ceil(rounds / 5); time++) {
      offMs.push(...(await switchTo(operator, true)));
      onMs.push(...(await switchTo(operator, false)));
    }
    await connection.close();
    for (const runtime of runtimes) await runtime.call("close", null);
    return reportOf(offMs, onMs);
  } finally {
    await lab.close();
  }
}

async function startReplica(lab: Lab): Promise<Child<OursCommands>> {
  const project = lab.project();
  project.write(WORK.name, handlerSource(WORK));
  const runtime = lab.runtime();
  await runtime.call("start", lab.startOptions(project, "start"));
  return runtime;
}

/** On a busy machine one may answer late. */
async function allReplicas(control: ControlClient): Promise<ReplicaInfo[]> {
  for (let tries = 0; tries < 10; tries++) {
    const replicas = (await control.status()).map(({ replica }) => replica);
    if (replicas.length === REPLICAS) return replicas;
  }
  throw new Error(`fewer than ${REPLICAS} replicas answer`);
}

/** Milliseconds from the operator's word until each replica says that it acts by it. */
async function switchTo({ control, store, replicas }: Operator, disabled: boolean): Promise<number[]> {
  const intent: Intent = { disabled, by: "bench", reason: "", sinceMs: Date.now(), now: false };
  const saidMs = performance.now();
  const mark = await store.put(WORK.name, intent);
  const applied = replicas.map(async (replica) => {
    const { late } = await control.applied([mark], [], [replica], LIMIT_MS);
    if (late.length > 0) throw new Error(`${replica.instance} does not act within ${LIMIT_MS} ms`);
    return performance.now() - saidMs;
  });
  const ms = await Promise.all(applied);
  await pause(GAP_MS);
  return ms;
}

function reportOf(offMs: readonly number[], onMs: readonly number[]): Report {
  const most = Math.max(...offMs);
  const row = (label: string, ms: readonly number[]) => [
    label,
    ...[0.5, 0.95, 1].map((share) => one(percentile(ms, share))),
  ];
  return {
    tables: [
      {
        title: `disable: one handler on ${REPLICAS} replicas, ${offMs.length / REPLICAS} times`,
        head: ["ms until a replica acts by it", "p50", "p95", "max"],
        rows: [row("disabled", offMs), row("enabled", onMs)],
        notes: [verdictLine(`at most ${one(most)} ms`, most, "disabled")],
      },
    ],
    data: { offMs, onMs },
    failures: [],
    numbers: { disabled: most },
  };
}

export const disable: Scenario = { name: "disable", summary: "until a handler is off on each of 3 replicas", run };
