// Save-to-live and failed requests, ours beside the watchers one would use instead. A round saves each program once,
// while requests come at a steady pace; the time runs from the save to the first answer of the new version.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Lab } from "../lab.ts";
import { percentile } from "../measure/statistics.ts";
import { one, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import { installPeers, peerVersion } from "../peer-packages.ts";
import { Asking } from "../processes/asking.ts";
import { APP_FILE, appSource, endWatcher, startWatcher, WATCHERS, type Watcher } from "../processes/watcher.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const SAVES = 20;
const PER_SECOND = 200;
/** Before a save and after the new version is live: requests that the change could hurt. */
const AROUND_MS = 400;
const LIVE_LIMIT_MS = 15_000;

interface Contender {
  readonly label: string;
  readonly subject: string;
  save(version: number): void;
  close(): Promise<void>;
}

interface Saved {
  readonly liveMs: number;
  readonly asked: number;
  readonly failed: number;
}

type Results = ReadonlyMap<Contender, Saved[]>;

async function run({ saves = SAVES }: Options): Promise<Report> {
  installPeers();
  const lab = await Lab.open(undefined);
  const nats = await connect({ servers: lab.server.url, noAsyncTraces: true });
  const contenders: Contender[] = [];
  try {
    contenders.push(await ours(lab));
    for (const [at, watcher] of WATCHERS.entries()) contenders.push(watched(lab, watcher, `bench.watched.${at}`));
    for (const { subject } of contenders) await answering(nats, subject);
    const results: Results = new Map(contenders.map((contender) => [contender, []]));
    for (let version = 1; version <= saves; version++) {
      for (const [contender, saved] of results) saved.push(await saveOnce(nats, contender, version));
    }
    return reportOf(results, saves);
  } finally {
    for (const contender of contenders) await contender.close();
    await nats.close();
    await lab.close();
  }
}

async function ours(lab: Lab): Promise<Contender> {
  const subject = "bench.reloaded";
  const project = lab.project();
  const save = (version: number) => project.write("reloaded", handlerSource(subject, version));
  save(0);
  const runtime = lab.runtime();
  await runtime.call("start", lab.startOptions(project, "dev"));
  return { label: "nats-handlers", subject, save, close: async () => void (await runtime.call("close", null)) };
}

function handlerSource(subject: string, version: number): string {
  return `import { z } from "zod";
export const metadata = { kind: "request", subject: "${subject}", schema: z.object({ number: z.int() }) };
export default () => ({ version: ${version} });
`;
}

function watched(lab: Lab, watcher: Watcher, subject: string): Contender {
  const { rootDir } = lab.project();
  const save = (version: number) => writeFileSync(join(rootDir, APP_FILE), appSource(lab.server.url, subject, version));
  save(0);
  const child = startWatcher(watcher, rootDir);
  return { label: watcher.label, subject, save, close: () => endWatcher(child) };
}

/** Resolves once somebody answers. */
async function answering(nats: NatsConnection, subject: string): Promise<void> {
  const deadlineMs = performance.now() + LIVE_LIMIT_MS;
  while (performance.now() < deadlineMs) {
    const answered = await nats.request(subject, '{"number":0}', { timeout: 1_000 }).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await pause(50);
  }
  throw new Error(`nobody answers on ${subject} within ${LIVE_LIMIT_MS} ms of its start`);
}

async function saveOnce(nats: NatsConnection, { label, subject, save }: Contender, version: number): Promise<Saved> {
  const asking = new Asking(nats, subject, PER_SECOND);
  await pause(AROUND_MS);
  const first = asking.firstAnswerOf(version);
  const expired = new AbortController();
  const limit = pause(LIVE_LIMIT_MS, undefined, { signal: expired.signal }).then(() => {
    throw new Error(`${label}: version ${version} answered nothing within ${LIVE_LIMIT_MS} ms of its save`);
  });
  const savedMs = performance.now();
  save(version);
  const liveMs = (await Promise.race([first, limit])) - savedMs;
  expired.abort();
  limit.catch(() => undefined); // It was in time.
  await pause(AROUND_MS);
  return { liveMs, ...(await asking.stop()) };
}

function reportOf(results: Results, saves: number): Report {
  const all = [...results].map(([{ label }, saved]) => {
    const failed = saved.reduce((sum, each) => sum + each.failed, 0);
    const ms = saved.map(({ liveMs }) => liveMs);
    return { label, p50: percentile(ms, 0.5), p95: percentile(ms, 0.95), failed, failedEach: failed / saves, saved };
  });
  const failedOfOurs = all[0]!.failed;
  return {
    tables: [tableOf(all, saves)],
    data: all,
    failures: failedOfOurs === 0 ? [] : [`nats-handlers failed ${failedOfOurs} requests`],
    pictures: [
      {
        file: "reload",
        title: "From a save to the new version's first answer, median",
        subtitle: `milliseconds, and requests failed by each save at ${PER_SECOND} requests/s; less is better`,
        bars: all.map(({ label, p50, failedEach }, at) => {
          return { label, value: p50, shown: `${whole(p50)} ms, ${whole(failedEach)} failed`, ours: at === 0 };
        }),
      },
    ],
  };
}

interface Line {
  readonly label: string;
  readonly p50: number;
  readonly p95: number;
  readonly failedEach: number;
}

function tableOf(all: readonly Line[], saves: number): Table {
  return {
    title: `reload-peers: ${saves} saves of each in turn, ${PER_SECOND} requests/s`,
    head: ["save to first answer, ms", "p50", "p95", "failed requests per save"],
    rows: all.map(({ label, p50, p95, failedEach }) => [label, one(p50), one(p95), one(failedEach)]),
    notes: [
      `node ${process.versions.node}, tsx ${peerVersion("tsx")}, nodemon ${peerVersion("nodemon")}; their program drains on SIGTERM`,
    ],
  };
}

export const reloadPeers: Scenario = {
  name: "reload-peers",
  summary: "save-to-live beside tsx watch, node --watch and nodemon",
  run,
};
