// Save-to-live: a handler file is saved again and again while messages keep coming; every message must be handled
// exactly once. The time runs from just before the save to the arrival of the first message handled by the new version,
// so it contains the trip of that message through NATS, and half a millisecond on average for it to be due.

import { setTimeout as pause } from "node:timers/promises";
import { Lab } from "../lab.ts";
import { percentile } from "../measure/statistics.ts";
import { one, verdictLine } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Served } from "../processes/ours.ts";
import type { Account, FirstSeen } from "../processes/pace.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const SAVES = 100;
const PER_SECOND = 2_000;
const SUBJECT = "bench.reload";
const SEEN_SUBJECT = "bench.seen";
/** A person does not save faster; shorter than the time it takes to have the next warm worker is another question. */
const GAP_MS = 250;
const GAP_JITTER_MS = 100;
const LIVE_LIMIT_MS = 10_000;

async function run({ saves = SAVES, profile }: Options): Promise<Report> {
  const lab = await Lab.open(profile);
  try {
    const measured = await saveAgainAndAgain(lab, saves);
    return reportOf(measured);
  } finally {
    await lab.close();
  }
}

interface Measured {
  readonly endToEndMs: readonly number[];
  /** What the runtime itself reports: from the noticed change until live. */
  readonly runtimeMs: readonly number[];
  readonly account: Account;
  readonly failures: readonly string[];
}

async function saveAgainAndAgain(lab: Lab, saves: number): Promise<Measured> {
  const project = lab.project();
  project.write("reloaded", versionSource("v0"));
  const runtime = lab.runtime();
  await runtime.call("start", lab.startOptions(project, "dev"));
  const runtimeMs: number[] = [];
  runtime.onTold = (told) => runtimeMs.push((told as Served).durationMs);
  const firstSeen = new FirstSeenWaiter();
  lab.publisher.onTold = (told) => firstSeen.tell(told as FirstSeen);
  await lab.publisher.call("startPace", { subject: SUBJECT, perSecond: PER_SECOND, seenSubject: SEEN_SUBJECT });
  await firstSeen.of("v0");
  await pause(1_000);
  const endToEndMs: number[] = [];
  for (let save = 1; save <= saves; save++) {
    const savedNs = process.hrtime.bigint();
    project.write("reloaded", versionSource(`v${save}`));
    endToEndMs.push(Number((await firstSeen.of(`v${save}`)) - savedNs) / 1e6);
    await pause(GAP_MS + Math.random() * GAP_JITTER_MS);
  }
  const account = await lab.publisher.call("stopPace", null);
  const failures = await runtime.call("failures", null);
  await runtime.call("close", null);
  return { endToEndMs, runtimeMs, account, failures };
}

/** Rejects when a version does not come up. */
class FirstSeenWaiter {
  private readonly seen = new Map<string, PromiseWithResolvers<bigint>>();

  tell({ version, atNs }: FirstSeen): void {
    this.entry(version).resolve(atNs);
  }

  async of(version: string): Promise<bigint> {
    const entry = this.entry(version);
    const text = `version ${version} handled nothing within ${LIVE_LIMIT_MS} ms of its save`;
    const timer = setTimeout(() => entry.reject(new Error(text)), LIVE_LIMIT_MS);
    return entry.promise.finally(() => clearTimeout(timer));
  }

  private entry(version: string): PromiseWithResolvers<bigint> {
    const entry = this.seen.get(version) ?? Promise.withResolvers<bigint>();
    this.seen.set(version, entry);
    return entry;
  }
}

function versionSource(version: string): string {
  return `import { z } from "zod";
export const metadata = { subject: "${SUBJECT}", schema: z.object({ number: z.int(), text: z.string() }) };
export default (event, ctx) => ctx.publish("${SEEN_SUBJECT}", new TextEncoder().encode(\`${version} \${event.number}\`));
`;
}

function reportOf(measured: Measured): Report {
  const { account, failures } = measured;
  const wrong = [
    ...failures,
    ...(account.lost > 0 ? [`${account.lost} of ${account.sent} messages were lost`] : []),
    ...(account.handledTwice > 0 ? [`${account.handledTwice} of ${account.sent} messages were handled twice`] : []),
  ];
  const numbers = {
    reloadP50: percentile(measured.endToEndMs, 0.5),
    reloadP95: percentile(measured.endToEndMs, 0.95),
    reloadLost: account.lost,
  };
  return { tables: [tableOf(measured)], data: measured, failures: wrong, numbers };
}

function tableOf({ endToEndMs, runtimeMs, account }: Measured): Table {
  const p50 = percentile(endToEndMs, 0.5);
  const p95 = percentile(endToEndMs, 0.95);
  const row = (label: string, ms: readonly number[]) => [
    label,
    ...[0.5, 0.95, 1].map((share) => one(percentile(ms, share))),
    one(Math.min(...ms)),
  ];
  return {
    title: `reload: ${endToEndMs.length} saves under ${PER_SECOND} messages/s`,
    head: ["save-to-live, ms", "p50", "p95", "max", "min"],
    rows: [row("save to first message handled", endToEndMs), row("of that, noticed to live", runtimeMs)],
    notes: [
      `${account.sent.toLocaleString("en-US")} messages: ${account.lost} lost, ${account.handledTwice} handled twice`,
      verdictLine(`p50 ${one(p50)} ms`, p50, "reloadP50"),
      verdictLine(`p95 ${one(p95)} ms`, p95, "reloadP95"),
    ],
  };
}

export const reload: Scenario = { name: "reload", summary: "save-to-live under load, lost messages counted", run };
