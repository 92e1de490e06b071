// The cost of a message does not grow: with the number of handlers, whether they all have work or all but one are idle,
// and with the number of messages; nor does the memory that the supervisor holds.

import { type Contender, Lab } from "../lab.ts";
import { cpuNs, memoryOf, processTree } from "../measure/process-cpu.ts";
import { alternate, totalNs } from "../measure/rounds.ts";
import { spreadOf } from "../measure/statistics.ts";
import { one, showSpread, two, verdictLine, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import { handlerSource } from "../project.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

const HANDLERS = [1, 10, 50, 200];
const SPREAD = { payloadBytes: 120, step: 250, window: 1_000 };
const MESSAGES = 200_000;
/** Messages of each busy handler: compilers settle in every process on their own. */
const WARM_UP = { oneBusy: 100_000, allBusy: 20_000 };
const LONG = { payloadBytes: 120, step: 1_000, window: 8_000 };
/** The heap of a process under load has found its size only after a million messages. */
const LONG_WARM_UP = 1_500_000;
const LOOKS = [10_000, 250_000, 500_000, 1_000_000, 1_500_000, 2_000_000];

async function run(options: Options): Promise<Report> {
  const byHandlers = await costByHandlers(options);
  const byMessages = await costByMessages(options.messages);
  const ratio = (costs: readonly number[]) => Math.max(...costs) / Math.min(...costs);
  const flatHandlers = ratio(byHandlers.oneBusy.map((us) => spreadOf(us).median));
  const long = {
    // The first look is too short to tell a cost by.
    flatMessages: ratio(byMessages.slice(1).map(({ cpuUs }) => cpuUs)),
    flatMemory: byMessages.at(-1)!.heldMiB - byMessages[0]!.heldMiB,
  };
  return {
    tables: [handlersTable(byHandlers, options.rounds, flatHandlers), messagesTable(byMessages, long)],
    data: { byHandlers, byMessages },
    failures: byHandlers.failures,
    numbers: options.messages === undefined ? { flatHandlers, ...long } : { flatHandlers },
  };
}

/** Of each number of handlers, microseconds of each round. */
interface ByHandlers {
  readonly oneBusy: readonly (readonly number[])[];
  readonly allBusy: readonly (readonly number[])[];
  readonly failures: readonly string[];
}

async function costByHandlers({ rounds, messages = MESSAGES }: Options): Promise<ByHandlers> {
  const lab = await Lab.open(undefined);
  try {
    const contenders: Contender<string>[] = [];
    for (const count of HANDLERS) {
      contenders.push({ ...(await lab.ours("flat", worksOf(count))), name: String(count) });
    }
    const cost = async (busy: (works: readonly Work[]) => readonly Work[], warmUpEach: number) => {
      const flood = async ({ works }: Contender<string>, each: number) => {
        const handlers = busy(works);
        const count = Math.ceil(each / SPREAD.step) * SPREAD.step * handlers.length;
        const subjects = handlers.map(({ subject }) => subject);
        await lab.publisher.call("flood", { ...SPREAD, handlers, subjects, count });
        return count;
      };
      const all = await alternate<number, string>({
        lab,
        contenders,
        rounds,
        warmUp: (contender) => flood(contender, warmUpEach),
        measure: (contender) => flood(contender, messages / busy(contender.works).length),
      });
      return HANDLERS.map((count) => all[count]!.map(({ result, cpu }) => totalNs(cpu) / 1_000 / result));
    };
    const oneBusy = await cost((works) => works.slice(0, 1), WARM_UP.oneBusy);
    for (const { works } of contenders) for (const work of works) await wake(lab, work);
    const allBusy = await cost((works) => works, WARM_UP.allBusy);
    const failures = (await Promise.all(contenders.map((contender) => contender.failures()))).flat();
    return { oneBusy, allBusy, failures };
  } finally {
    await lab.close();
  }
}

/** One after the other: hundreds of processes that start at once are another question. */
function wake(lab: Lab, work: Work): Promise<unknown> {
  return lab.publisher.call("flood", { ...SPREAD, handlers: [work], subjects: [work.subject], count: work.step });
}

function worksOf(count: number): Work[] {
  return Array.from({ length: count }, (_, at) => {
    return { name: `flat-${count}-${at}`, subject: `bench.flat.${count}.${at}`, does: "count", step: SPREAD.step };
  });
}

/** After so many messages: the cost of each since the look before, and what is held. */
interface Look {
  readonly messages: number;
  readonly cpuUs: number;
  readonly heldMiB: number;
  readonly rssMiB: number;
}

async function costByMessages(only: number | undefined): Promise<Look[]> {
  const lab = await Lab.open(undefined);
  try {
    const work: Work = { name: "flat", subject: "bench.flat", does: "count", step: LONG.step };
    const project = lab.project();
    project.write(work.name, handlerSource(work));
    const runtime = lab.runtime();
    await runtime.call("start", lab.startOptions(project, "start"));
    const flood = (count: number) =>
      lab.publisher.call("flood", { ...LONG, subjects: [work.subject], handlers: [work], count });
    await flood(Math.min(LONG_WARM_UP, only ?? LONG_WARM_UP));
    const looks: Look[] = [];
    let sent = 0;
    for (const until of LOOKS.filter((until) => until <= (only ?? until))) {
      const before = cpuOf(runtime.pid);
      await flood(until - sent);
      const cpuUs = (cpuOf(runtime.pid) - before) / 1_000 / (until - sent);
      sent = until;
      const heldMiB = await runtime.call("heldMiB", null);
      looks.push({ messages: until, cpuUs, heldMiB, rssMiB: memoryOf(processTree(runtime.pid)).rssMiB });
    }
    return looks;
  } finally {
    await lab.close();
  }
}

function cpuOf(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + cpuNs(each), 0);
}

function handlersTable({ oneBusy, allBusy }: ByHandlers, rounds: number, ratio: number): Table {
  return {
    title: `flat: CPU us of an event, by the number of handlers (${rounds} rounds)`,
    head: ["handlers", "one busy, others idle", "all busy, each in a process"],
    rows: HANDLERS.map((count, at) => [
      String(count),
      showSpread(spreadOf(oneBusy[at]!), two),
      showSpread(spreadOf(allBusy[at]!), two),
    ]),
    notes: [verdictLine(`one busy, highest ${two(ratio)} of lowest`, ratio, "flatHandlers")],
  };
}

function messagesTable(looks: readonly Look[], numbers: { flatMessages: number; flatMemory: number }): Table {
  const { flatMessages, flatMemory } = numbers;
  return {
    title: "flat: CPU us of an event and memory, by the number of messages handled",
    head: ["messages", "CPU us since the line before", "held by the supervisor, MiB", "RSS of all, MiB"],
    rows: looks.map(({ messages, cpuUs, heldMiB, rssMiB }) => [whole(messages), two(cpuUs), two(heldMiB), one(rssMiB)]),
    notes: [
      verdictLine(`after the first line, highest ${two(flatMessages)} of lowest`, flatMessages, "flatMessages"),
      verdictLine(`held ${two(flatMemory)} MiB more at the end`, flatMemory, "flatMemory"),
    ],
  };
}

export const flat: Scenario = {
  name: "flat",
  summary: "cost of an event from 1 to 200 handlers and to 2 million messages; memory",
  run,
};
