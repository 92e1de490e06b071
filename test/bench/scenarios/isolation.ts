// What a neighbour feels while another handler misbehaves: its requests, one at a time, quiet and during each fault in
// turn; and how long a blocked loop lives on after its timeout.

import { setTimeout as pause } from "node:timers/promises";
import { connectClient, type TestClient } from "../../support/client.ts";
import { fixture } from "../../support/project.ts";
import { flamesOf } from "../flame/flames.ts";
import { Lab } from "../lab.ts";
import { cpuNs } from "../measure/process-cpu.ts";
import { nowUs } from "../measure/rounds.ts";
import { percentile, ratiosOf, spreadOf } from "../measure/statistics.ts";
import { judge, one, showSpread, two, verdictLine, whole } from "../output/figures.ts";
import type { Flame } from "../output/flame-picture.ts";
import type { Table } from "../output/table.ts";
import type { OursCommands } from "../processes/ours.ts";
import type { Asked } from "../processes/publisher.ts";
import { ServedWaiter } from "../processes/served.ts";
import { handlerSource, type Project } from "../project.ts";
import type { Child } from "../rpc.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import { THRESHOLDS } from "../thresholds.ts";

/** Profiles are taken of these alone, in their last rounds. */
const PROFILED: readonly Fault[] = ["floods-publishes", "fills-its-heap"];
const NEIGHBOUR = "bench.neighbour";
/** Nearly a second's worth: what else a machine does comes twice a second, and should be in each round. */
const REQUESTS = 4_000;
/** More rounds: the p99 of one round is its fortieth slowest request, and what else a machine does is as slow. */
const TIMES_ROUNDS = 2;
/** Rounds' worth of requests before the first. */
const WARM_UP = 5;
const PAYLOAD_BYTES = 120;
/** After the fault has begun, and before the next round. */
const SETTLE_MS = 300;
/** A sender does not answer an error with the next message at once. */
const AGAIN_AFTER_MS = 10;
const LOOP_TIMEOUT_MS = 250;
const KILL_GRACE_MS = 1_000;

/** Fixtures, and what makes them misbehave. */
const FAULTS = [
  "throws-at-once",
  "exits-the-process",
  "loops-forever",
  "loops-in-microtasks",
  "fills-its-heap",
  "fills-a-map",
  "fills-buffers",
  "leaks-timers",
  "floods-its-output",
  "floods-publishes",
] as const;

type Fault = (typeof FAULTS)[number];

interface Figures {
  readonly fault: string;
  readonly quietP99Us: readonly number[];
  readonly faultP99Us: readonly number[];
  readonly quietP50Us: readonly number[];
  readonly faultP50Us: readonly number[];
  readonly failed: number;
  readonly flames: readonly Flame[];
}

interface Ward {
  readonly lab: Lab;
  readonly project: Project;
  readonly runtime: Child<OursCommands>;
  readonly served: ServedWaiter;
  readonly client: TestClient;
}

async function run(options: Options): Promise<Report> {
  const { messages = REQUESTS, profile } = options;
  const rounds = options.rounds * TIMES_ROUNDS;
  const lab = await Lab.open(profile);
  try {
    const ward = await open(lab);
    await ask(lab, messages * WARM_UP);
    const all: Figures[] = [];
    for (const fault of profile === undefined ? FAULTS : PROFILED)
      all.push(await besides(ward, fault, rounds, messages));
    const lived = await blockedLoops(ward, options.rounds);
    await ward.client.connection.close();
    const failed = all.filter(({ failed }) => failed > 0);
    return {
      tables: [faultTable(all, rounds, messages), loopTable(lived)],
      data: { faults: all.map(({ flames, ...figures }) => figures), livedMs: lived },
      failures: failed.map(({ fault, failed }) => `${fault}: ${failed} requests to the neighbour failed`),
      flames: all.flatMap(({ flames }) => flames),
      numbers: { neighbourP99: worstOf(all), blockedLoop: Math.max(...lived) },
    };
  } finally {
    await lab.close();
  }
}

async function open(lab: Lab): Promise<Ward> {
  const project = lab.project();
  project.write("neighbour", handlerSource({ name: "neighbour", subject: NEIGHBOUR, does: "reply", step: 1 }));
  for (const fault of FAULTS) project.write(fault, culprit(fault, 0));
  const runtime = lab.runtime();
  const served = new ServedWaiter(runtime);
  await runtime.call("start", lab.startOptions(project, "dev"));
  return { lab, project, runtime, served, client: await connectClient(lab.server.url) };
}

function subjectOf(fault: string): string {
  return `bench.fault.${fault}`;
}

function culprit(fault: string, version: number): string {
  const request = `subject: "${subjectOf(fault)}", kind: "request"`;
  const text = fixture(`${fault}.ts`, {
    'subject: "culprit"': request,
    'subject: "flood.start", kind: "request"': request,
  });
  // A comment alone makes no new version.
  return `${text}export const version = ${version};\n`;
}

function ask(lab: Lab, count: number) {
  return lab.publisher.call("ask", { subject: NEIGHBOUR, payloadBytes: PAYLOAD_BYTES, atOnce: 1, count });
}

async function besides(ward: Ward, fault: string, rounds: number, count: number): Promise<Figures> {
  const quiet: number[][] = [];
  const during: number[][] = [];
  let failed = 0;
  let flames: readonly Flame[] = [];
  for (let round = 1; round <= rounds; round++) {
    const before = await ask(ward.lab, count);
    const misbehaviour = misbehave(ward.client, fault);
    await pause(SETTLE_MS);
    const askMeanwhile = () => ask(ward.lab, count);
    const meanwhile: Profiled =
      round < rounds ? await askMeanwhile() : await profiled(ward, `beside ${fault}`, askMeanwhile);
    await misbehaviour.stop();
    // A save ends whatever it leaves behind, and takes it out of quarantine.
    await ward.served.after(() => ward.project.write(fault, culprit(fault, round)), fault, "reload");
    await pause(SETTLE_MS);
    failed += before.failed + meanwhile.failed;
    quiet.push([...before.latenciesMs]);
    during.push([...meanwhile.latenciesMs]);
    flames = meanwhile.flames ?? [];
  }
  const us = (rounds: readonly number[][], share: number) => rounds.map((ms) => percentile(ms, share) * 1_000);
  return {
    fault,
    failed,
    flames,
    quietP99Us: us(quiet, 0.99),
    faultP99Us: us(during, 0.99),
    quietP50Us: us(quiet, 0.5),
    faultP50Us: us(during, 0.5),
  };
}

type Profiled = Asked & Pick<Report, "flames">;

/** With the supervisor's profile, where profiles are wanted. */
async function profiled({ lab, runtime }: Ward, scenario: string, act: () => Promise<Asked>): Promise<Profiled> {
  const file = lab.profileFile(scenario.replaceAll(" ", "-"), "supervisor");
  if (file === undefined) return act();
  await runtime.call("startProfile", null);
  const cpuBefore = cpuNs(runtime.pid);
  const fromUs = nowUs();
  const asked = await act();
  const round = { fromUs, untilUs: nowUs(), cpu: { supervisor: cpuNs(runtime.pid) - cpuBefore } };
  await runtime.call("stopProfile", file);
  const count = asked.latenciesMs.length;
  const profiles = [{ process: "supervisor", file, part: "supervisor" }];
  return {
    ...asked,
    flames: flamesOf(profiles, { scenario, unit: "request of the neighbour", count, rounds: [round] }),
  };
}

/** One bad message after the other, until stopped. */
function misbehave(client: TestClient, fault: string) {
  const message = fault === "floods-publishes" ? 20_000 : { n: 1, bad: true };
  let open = true;
  const ended = (async () => {
    while (open) {
      await client.ask(subjectOf(fault), message).catch(() => undefined);
      await pause(AGAIN_AFTER_MS);
    }
  })();
  return {
    stop(): Promise<void> {
      open = false;
      return ended;
    },
  };
}

/** Milliseconds from the timeout until the worker was gone and its message answered, the grace taken off. */
async function blockedLoops(ward: Ward, rounds: number): Promise<number[]> {
  const lived: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const fault of ["loops-forever", "loops-in-microtasks"]) {
      const startedMs = performance.now();
      const { code } = await ward.client.ask(subjectOf(fault), { n: 1, bad: true });
      if (code !== 504) throw new Error(`${fault} was answered with ${code}`);
      lived.push(performance.now() - startedMs - LOOP_TIMEOUT_MS - KILL_GRACE_MS);
      const save = () => ward.project.write(fault, culprit(fault, 1_000 + round));
      await ward.served.after(save, fault, "reload");
      await pause(SETTLE_MS);
    }
  }
  return lived;
}

function worstOf(all: readonly Figures[]): number {
  return Math.max(...all.map((each) => spreadOf(ratiosOf(each.faultP99Us, each.quietP99Us)).median));
}

function faultTable(all: readonly Figures[], rounds: number, count: number): Table {
  const row = ({ fault, quietP50Us, faultP50Us, quietP99Us, faultP99Us }: Figures) => {
    const ratio = spreadOf(ratiosOf(faultP99Us, quietP99Us));
    return [
      fault,
      whole(percentile(quietP50Us, 0.5)),
      whole(percentile(faultP50Us, 0.5)),
      whole(percentile(quietP99Us, 0.5)),
      whole(percentile(faultP99Us, 0.5)),
      showSpread(ratio, two),
      judge(ratio.median, THRESHOLDS.neighbourP99),
    ];
  };
  const worst = worstOf(all);
  return {
    title: `isolation: a neighbour's requests beside each fault (${rounds} rounds of ${count}, us, medians)`,
    head: ["", "p50 quiet", "p50", "p99 quiet", "p99", "p99 ratio", ""],
    rows: all.map(row),
    notes: [verdictLine(`worst p99 ${two(worst)} of quiet`, worst, "neighbourP99")],
  };
}

function loopTable(lived: readonly number[]): Table {
  const most = Math.max(...lived);
  return {
    title: `isolation: a blocked loop beyond its timeout (${LOOP_TIMEOUT_MS} ms) and the grace (${KILL_GRACE_MS} ms)`,
    head: ["", "p50 ms", "max ms"],
    rows: [["until killed and answered", one(percentile(lived, 0.5)), one(most)]],
    notes: [verdictLine(`at most ${one(most)} ms`, most, "blockedLoop")],
  };
}

export const isolation: Scenario = {
  name: "isolation",
  summary: "a neighbour's latency while another handler misbehaves; how long a blocked loop lives",
  run,
};
