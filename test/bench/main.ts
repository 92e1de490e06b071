// `npm run bench [NAME...]`: measure, side by side and in one run, what isolation costs. See `--help`.

import { mkdirSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chosenServer } from "../support/chosen-server.ts";
import { renderFlame } from "./output/flame-picture.ts";
import { describeMachine, type Machine, renderMachine } from "./output/machine.ts";
import { type NumbersRow, numbersTable, rowsOf } from "./output/numbers.ts";
import { hasTables, writeTables } from "./output/page.ts";
import { renderPicture } from "./output/picture.ts";
import { renderTable } from "./output/table.ts";
import type { Options, Report, Scenario } from "./scenario.ts";
import { batches } from "./scenarios/batches.ts";
import { disable } from "./scenarios/disable.ts";
import { durable } from "./scenarios/durable.ts";
import { effect } from "./scenarios/effect.ts";
import { endurance } from "./scenarios/endurance.ts";
import { events } from "./scenarios/events.ts";
import { eventsTen } from "./scenarios/events-10.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import { flat } from "./scenarios/flat.ts";
import { hop } from "./scenarios/hop.ts";
import { isolation } from "./scenarios/isolation.ts";
import { memory } from "./scenarios/memory.ts";
import { options as optionsOfDurables } from "./scenarios/options.ts";
import { page } from "./scenarios/page.ts";
import { payload } from "./scenarios/payload.ts";
import { peers } from "./scenarios/peers.ts";
import { peersDurable } from "./scenarios/peers-durable.ts";
import { publish } from "./scenarios/publish.ts";
import { reload } from "./scenarios/reload.ts";
import { reloadPeers } from "./scenarios/reload-peers.ts";
import { replay } from "./scenarios/replay.ts";
import { request } from "./scenarios/request.ts";
import { shadow } from "./scenarios/shadow.ts";
import { startup } from "./scenarios/startup.ts";
import { unused } from "./scenarios/unused.ts";
import { watched } from "./scenarios/watched.ts";
import { fallsShort } from "./thresholds.ts";

const SCENARIOS: readonly Scenario[] = [
  events,
  eventsTen,
  fanOut,
  payload,
  publish,
  request,
  durable,
  hop,
  batches,
  optionsOfDurables,
  effect,
  reload,
  startup,
  memory,
  isolation,
  disable,
  replay,
  shadow,
  watched,
  unused,
  page,
  flat,
  endurance,
  peers,
  peersDurable,
  reloadPeers,
];
const GROUPS: Readonly<Record<string, readonly Scenario[]>> = {
  numbers: [events, publish, request, durable, reload, startup, isolation, disable, flat],
  "all-peers": [peers, peersDurable, reloadPeers],
};
const BY_DEFAULT = [events, request, reload];
const PICTURES = new URL("../../docs/pictures/", import.meta.url);

const namesOf = (scenarios: readonly Scenario[]) => scenarios.map(({ name }) => name).join(", ");

const HELP = `npm run bench [NAME...] -- [options]

${SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(15)}${summary}`).join("\n")}

  numbers        the table of what we hold ourselves to: ${namesOf(GROUPS.numbers!)}
  all-peers      ${namesOf(GROUPS["all-peers"]!)}

Without a name: ${namesOf(BY_DEFAULT)}.

NATS_SERVER_VERSION (2.9.10, 2.10.27, newest) or NATS_SERVER_BIN (a path) chooses the nats-server. The exit code is 1 when
something fails, and when a number is worse than its bar by more than noise, a tenth.

  --rounds N      rounds of each contender, in turn (5)
  --messages N    messages or requests per round, instead of the scenario's number
  --saves N       saves, instead of the scenario's number
  --cycles N      crashes and saves of \`endurance\` (2000)
  --files N       handler files of \`startup\` (1000)
  --before DIR    of \`watched\`, \`unused\` and \`durable\`: a clone of an earlier version, with its packages, to compare with;
                  \`unused\` without it: the commit before what it measures, out of git
  --json FILE     everything measured, as JSON
  --pictures      draw what was measured into docs/pictures/
  --tables        put what was measured into docs/performance.md
  --profile DIR   CPU profiles of every contender, and flame graphs of them; with --pictures also into
                  docs/pictures/. It slows them down: no tables are written`;

interface Invocation {
  readonly scenarios: readonly Scenario[];
  readonly options: Options;
  readonly json: string | undefined;
  readonly pictures: boolean;
  readonly tables: boolean;
}

function readInvocation(args: string[]): Invocation | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      messages: { type: "string" },
      saves: { type: "string" },
      cycles: { type: "string", default: "2000" },
      files: { type: "string", default: "1000" },
      before: { type: "string" },
      json: { type: "string" },
      pictures: { type: "boolean", default: false },
      tables: { type: "boolean", default: false },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const found = positionals.map((name) => GROUPS[name] ?? SCENARIOS.filter((scenario) => scenario.name === name));
  const unknown = positionals.filter((_, at) => found[at]!.length === 0);
  if (unknown.length > 0) console.error(`no scenario is called ${unknown.map((name) => `"${name}"`).join(", ")}\n`);
  if (values.help || unknown.length > 0) return undefined;
  return {
    scenarios: positionals.length > 0 ? [...new Set(found.flat())] : BY_DEFAULT,
    options: {
      rounds: countOf("rounds", values.rounds),
      messages: values.messages === undefined ? undefined : countOf("messages", values.messages),
      saves: values.saves === undefined ? undefined : countOf("saves", values.saves),
      cycles: countOf("cycles", values.cycles),
      files: countOf("files", values.files),
      before: values.before,
      profile: values.profile,
    },
    json: values.json,
    pictures: values.pictures,
    tables: values.tables,
  };
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new TypeError(`--${name} takes a whole number above 0, but is ${JSON.stringify(text)}`);
}

async function runAll(invocation: Invocation): Promise<boolean> {
  const { path } = await chosenServer(() => undefined);
  process.env.HANDLERS_NATS_SERVER = path;
  const machine = await describeMachine();
  console.log(renderMachine(machine));
  const reports: Record<string, Report> = {};
  for (const scenario of invocation.scenarios) {
    const startedMs = performance.now();
    const report = await scenario.run(invocation.options);
    reports[scenario.name] = report;
    for (const table of report.tables) console.log(renderTable(table));
    for (const failure of report.failures) console.log(`  FAILED: ${failure}\n`);
    console.log(`  (${scenario.name}: ${Math.round((performance.now() - startedMs) / 1_000)} s)\n`);
  }
  const numbers = rowsOf(Object.assign({}, ...Object.values(reports).map((report) => report.numbers ?? {})));
  publishAll(invocation, machine, reports, numbers);
  const short = numbers.filter((row) => fallsShort(row.measured, row));
  for (const { what } of short) console.log(`  FAILED: below its bar by more than noise: ${what}\n`);
  return short.length === 0 && Object.values(reports).every(({ failures }) => failures.length === 0);
}

/** The numbers, and whatever else was asked for: files, pictures, the page. */
function publishAll(
  invocation: Invocation,
  machine: Machine,
  reports: Record<string, Report>,
  numbers: readonly NumbersRow[],
): void {
  const { json, pictures, tables, options } = invocation;
  const table = numbersTable(numbers);
  if (numbers.length > 0) console.log(renderTable(table));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, numbers, reports }, null, 1)}\n`);
  // What failed does not count, and is not shown to others.
  const good = Object.entries(reports).filter(([, { failures }]) => failures.length === 0);
  if (options.profile !== undefined)
    return drawFlames(
      good.map(([, report]) => report),
      options.profile,
      pictures,
    );
  if (pictures) for (const [, report] of good) draw(report);
  if (!tables) return;
  for (const [name, report] of good) if (hasTables(name)) writeTables(name, report.tables, machine);
  const allGood = good.length === Object.keys(reports).length;
  const areAll = GROUPS.numbers!.every((scenario) => invocation.scenarios.includes(scenario));
  if (areAll && allGood) writeTables("numbers", [table], machine);
}

function draw({ pictures = [] }: Report): void {
  mkdirSync(PICTURES, { recursive: true });
  for (const picture of pictures) writeFileSync(new URL(`${picture.file}.svg`, PICTURES), renderPicture(picture));
}

function drawFlames(reports: readonly Report[], folder: string, pictures: boolean): void {
  const folders = [pathToFileURL(`${folder}/`), ...(pictures ? [PICTURES] : [])];
  for (const flame of reports.flatMap(({ flames = [] }) => flames)) {
    for (const each of folders) writeFileSync(new URL(`${flame.file}.svg`, each), renderFlame(flame));
  }
  console.log(`flame graphs: ${folders.map((each) => relative(".", fileURLToPath(each))).join(", ")}\n`);
}

const invocation = readInvocation(process.argv.slice(2));
if (invocation === undefined) console.log(HELP);
else if (!(await runAll(invocation))) process.exitCode = 1;
