// A stream of stored messages is taken from its beginning, again and again, by one contender after the other.

import { type JetStreamManager, jetstreamManager, type StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Lab } from "../lab.ts";
import { cpuNs } from "../measure/process-cpu.ts";
import type { Options } from "../scenario.ts";
import { payloadOf } from "../work.ts";

export const STREAM = "BENCH";
export const SUBJECT = "bench.durable";
export const PAYLOAD_BYTES = 120;

export interface Plan {
  readonly atOnce: number;
  readonly messages: number;
  /** Progress is told after so many messages handled. */
  readonly step: number;
  readonly storage: StorageType;
  /** So many subjects below `SUBJECT`, in turn, take its place. */
  readonly keys?: number;
}

export interface DurableContender {
  readonly label: string;
  readonly progress: string;
  /** Take everything again, from the beginning. */
  again(round: number): Promise<void>;
  cpu(): number;
  failures(): Promise<string[]>;
  close(): Promise<void>;
}

export interface Measured {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly serverUs: number;
}

/** The lab, and the bench's own connection to its server. */
export interface Site {
  readonly lab: Lab;
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
}

export async function withSite<T>(options: Options, act: (site: Site) => Promise<T>): Promise<T> {
  const lab = await Lab.open(options.profile);
  const nats = await connect({ servers: lab.server.url, noAsyncTraces: true });
  try {
    return await act({ lab, nats, manager: await jetstreamManager(nats) });
  } finally {
    await nats.close();
    await lab.close();
  }
}

export interface Compared<N extends string> {
  readonly rounds: Readonly<Record<N, readonly Measured[]>>;
  readonly failures: readonly string[];
}

/** Fill the stream, then let each take it in turn. Closes the contenders and removes the stream. */
export async function compare<N extends string>(
  plan: Plan,
  contenders: Readonly<Record<N, DurableContender>>,
  rounds: number,
  site: Site,
): Promise<Compared<N>> {
  await fill(plan, site);
  const names = Object.keys(contenders) as N[];
  const all = Object.fromEntries(names.map((name) => [name, [] as Measured[]])) as Record<N, Measured[]>;
  // Round 0 warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const measured = await measure(contenders[name], round, plan, site);
      if (round > 0) all[name].push(measured);
    }
  }
  const failures: string[] = [];
  for (const name of names) {
    failures.push(...(await contenders[name].failures()));
    await contenders[name].close();
  }
  await site.manager.streams.delete(STREAM);
  return { rounds: all, failures };
}

async function fill({ messages, storage, keys }: Plan, { manager, nats }: Site): Promise<void> {
  await manager.streams.add({ name: STREAM, subjects: [SUBJECT, `${SUBJECT}.*`], storage });
  const subjectOf = (number: number) => (keys === undefined ? SUBJECT : `${SUBJECT}.${number % keys}`);
  for (let sent = 0; sent < messages; sent++) {
    nats.publish(subjectOf(sent), payloadOf(PAYLOAD_BYTES, sent));
    if (sent % 1_000 === 0) await nats.flush();
  }
  // One more, for the server's word that it has them all.
  await nats.request(subjectOf(messages), payloadOf(PAYLOAD_BYTES), { timeout: 30_000 });
}

/** From the first step handled to the last: how it begins is not what is measured. */
async function measure(contender: DurableContender, round: number, plan: Plan, { lab, nats }: Site): Promise<Measured> {
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
