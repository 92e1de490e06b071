// The same work done by the raw client, by ours and by the frameworks one would take instead: 120 bytes of JSON, parsed,
// validated by the same schema, and for requests a small reply.

import { type Contender, Lab } from "../lab.ts";
import { alternate, type Round, totalNs } from "../measure/rounds.ts";
import { percentile, spreadOf } from "../measure/statistics.ts";
import { one, perSecond, showSpread, two, whole } from "../output/figures.ts";
import type { Picture } from "../output/picture.ts";
import type { Table } from "../output/table.ts";
import { installPeers, peerVersion } from "../peer-packages.ts";
import { PEERS } from "../peers.ts";
import type { Flooded } from "../processes/flood.ts";
import type { Asked } from "../processes/publisher.ts";
import { plain, type Wire, wrap } from "../processes/wire.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

const PAYLOAD_BYTES = 120;
const EVENTS = { count: 200_000, step: 1_000, window: 8_000 };
const ONE_AT_A_TIME = { atOnce: 1, count: 2_000 };
const MANY_AT_ONCE = { atOnce: 64, count: 20_000 };
const REFUSAL_MS = 5_000;

/** A contender with the wire forms it understands. */
interface Entrant {
  readonly contender: Contender<string>;
  readonly event: Wire;
  readonly request: Wire;
}

interface Figures {
  readonly label: string;
  readonly eventsPerSecond: readonly number[];
  readonly eventCpuUs: readonly number[];
  readonly requestP50Us: readonly number[];
  readonly requestsPerSecond: readonly number[];
  readonly requestCpuUs: readonly number[];
}

async function run(options: Options): Promise<Report> {
  installPeers();
  const lab = await Lab.open(options.profile);
  try {
    const entrants = await startAll(lab);
    const figures = await measureAll(lab, entrants, options);
    const failures = await failuresOf(lab, entrants);
    for (const { contender } of entrants) await contender.close();
    return {
      tables: [tableOf(figures, options.rounds)],
      data: figures,
      failures: [...failures, ...figures.flatMap(({ refusals }) => refusals)],
      pictures: picturesOf(figures),
    };
  } finally {
    await lab.close();
  }
}

async function startAll(lab: Lab): Promise<Entrant[]> {
  const entrants: Entrant[] = [];
  const wiresOf = (name: string) => ({ event: plain(`bench.${name}.event`), request: plain(`bench.${name}.ask`) });
  const raw = wiresOf("raw");
  entrants.push({ contender: await lab.raw("peers", worksOf("raw", raw)), ...raw });
  const ours = wiresOf("ours");
  entrants.push({ contender: await lab.ours("peers", worksOf("ours", ours)), ...ours });
  for (const peer of PEERS) {
    const wires = { event: peer.event, request: peer.request };
    entrants.push({ contender: await lab.program("peers", peer, worksOf(peer.name, wires)), ...wires });
  }
  return entrants;
}

function worksOf(name: string, { event, request }: Pick<Entrant, "event" | "request">): Work[] {
  return [
    { name: `${name}-event`, subject: event.subject, does: "count", step: EVENTS.step },
    { name: `${name}-ask`, subject: request.subject, does: "reply", step: 1 },
  ];
}

type Measured = Figures & { readonly refusals: readonly string[] };

async function measureAll(lab: Lab, entrants: readonly Entrant[], { rounds, messages }: Options): Promise<Measured[]> {
  const contenders = entrants.map(({ contender }) => contender);
  const wires = new Map(entrants.map((entrant) => [entrant.contender, entrant]));
  const inRounds = <T>(measure: (contender: Contender<string>) => Promise<T>) =>
    alternate<T, string>({ lab, contenders, rounds, warmUp: measure, measure });
  const count = Math.ceil((messages ?? EVENTS.count) / EVENTS.step) * EVENTS.step;
  const flooded = await inRounds<Flooded>((contender) => {
    const { subject, template } = wires.get(contender)!.event;
    const handlers = contender.works.slice(0, 1);
    const flood = { ...EVENTS, count, subjects: [subject], handlers, template, payloadBytes: PAYLOAD_BYTES };
    return lab.publisher.call("flood", flood);
  });
  const ask = (asking: { atOnce: number; count: number }) =>
    inRounds<Asked>((contender) => {
      const wire = wires.get(contender)!.request;
      return lab.publisher.call("askByWire", { ...wire, ...asking, payloadBytes: PAYLOAD_BYTES });
    });
  const serial = await ask({ ...ONE_AT_A_TIME, count: messages ?? ONE_AT_A_TIME.count });
  const parallel = await ask({ ...MANY_AT_ONCE, count: messages ?? MANY_AT_ONCE.count });
  return contenders.map(({ name, label }) => {
    const asked = [...serial[name]!, ...parallel[name]!];
    const failed = asked.reduce((sum, { result }) => sum + result.failed, 0);
    return {
      label,
      eventsPerSecond: flooded[name]!.map(({ result }) => count / (result.wallMs / 1_000)),
      eventCpuUs: flooded[name]!.map(({ cpu }) => totalNs(cpu) / 1_000 / count),
      requestP50Us: serial[name]!.map(({ result }) => percentile(result.latenciesMs, 0.5) * 1_000),
      requestsPerSecond: parallel[name]!.map(rateOf),
      requestCpuUs: parallel[name]!.map(({ result, cpu }) => totalNs(cpu) / 1_000 / result.latenciesMs.length),
      refusals: failed === 0 ? [] : [`${label}: ${failed} requests were not answered as they should`],
    };
  });
}

function rateOf({ result }: Round<Asked>): number {
  return result.latenciesMs.length / (result.wallMs / 1_000);
}

/** What went wrong; and each must refuse a message that the schema does not take: a contender that validates nothing is no match. */
async function failuresOf(lab: Lab, entrants: readonly Entrant[]): Promise<string[]> {
  const failures: string[] = [];
  for (const { contender, event } of entrants) {
    failures.push(...(await contender.failures()));
    await lab.publisher.call("publish", { subject: event.subject, text: wrap(event.template, '{"id":"no"}', 0) });
    const deadlineMs = performance.now() + REFUSAL_MS;
    while ((await contender.failures()).length === 0) {
      if (performance.now() < deadlineMs) continue;
      failures.push(`${contender.label} does not refuse what the schema does not take`);
      break;
    }
  }
  return failures;
}

function versionsLine(): string {
  const versions = ["@nestjs/microservices", "moleculer"].map((name) => `${name} ${peerVersion(name)}`);
  return `${versions.join(", ")}; all in one process, ours in two or more`;
}

function tableOf(all: readonly Figures[], rounds: number): Table {
  return {
    title: `peers: ${PAYLOAD_BYTES} bytes of JSON, parse + zod, a small reply to requests (${rounds} rounds)`,
    head: ["", "events/s", "CPU us", "request p50 us", "requests/s, 64 at once", "CPU us"],
    rows: all.map((figures) => [
      figures.label,
      showSpread(spreadOf(figures.eventsPerSecond), perSecond),
      two(spreadOf(figures.eventCpuUs).median),
      showSpread(spreadOf(figures.requestP50Us), whole),
      showSpread(spreadOf(figures.requestsPerSecond), perSecond),
      two(spreadOf(figures.requestCpuUs).median),
    ]),
    notes: [versionsLine(), "one requester for all, lighter than the client's `request`: see processes/asker.ts"],
  };
}

function picturesOf(all: readonly Figures[]): Picture[] {
  const bars = (pick: (figures: Figures) => readonly number[], show: (value: number) => string) =>
    all.map((figures) => {
      const value = spreadOf(pick(figures)).median;
      return { label: figures.label, value, shown: show(value), ours: figures.label === "nats-handlers" };
    });
  return [
    {
      file: "events",
      title: "Events per second, one handler",
      subtitle: "120 bytes of JSON, parsed and validated with zod; more is better",
      bars: bars((figures) => figures.eventsPerSecond, perSecond),
    },
    {
      file: "cpu",
      title: "CPU time per event, all processes of each",
      subtitle: "microseconds; less is better",
      bars: bars(
        (figures) => figures.eventCpuUs,
        (value) => `${one(value)} µs`,
      ),
    },
    {
      file: "request",
      title: "Request and reply, one at a time, median",
      subtitle: "microseconds; less is better",
      bars: bars(
        (figures) => figures.requestP50Us,
        (value) => `${whole(value)} µs`,
      ),
    },
  ];
}

export const peers: Scenario = {
  name: "peers",
  summary: "events and requests beside NestJS and Moleculer",
  run,
};
