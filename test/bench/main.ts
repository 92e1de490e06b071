// `npm run bench [NAME...]`: measure, side by side and in one run, what isolation costs. See `--help`.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeMachine, renderMachine } from "./output/machine.ts";
import { renderTable } from "./output/table.ts";
import type { Options, Report, Scenario } from "./scenario.ts";
import { durable } from "./scenarios/durable.ts";
import { endurance } from "./scenarios/endurance.ts";
import { events } from "./scenarios/events.ts";
import { eventsTen } from "./scenarios/events-10.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import { isolation } from "./scenarios/isolation.ts";
import { memory } from "./scenarios/memory.ts";
import { payload } from "./scenarios/payload.ts";
import { publish } from "./scenarios/publish.ts";
import { reload } from "./scenarios/reload.ts";
import { request } from "./scenarios/request.ts";
import { startup } from "./scenarios/startup.ts";

const SCENARIOS: readonly Scenario[] = [
  events,
  eventsTen,
  fanOut,
  payload,
  request,
  publish,
  reload,
  memory,
  startup,
  durable,
  isolation,
  endurance,
];
const BY_DEFAULT = ["events", "request", "reload"];

const HELP = `npm run bench [NAME...] -- [options]

${SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join("\n")}

Without a name: ${BY_DEFAULT.join(", ")}.

  --rounds N      rounds of each contender, in turn (5)
  --messages N    messages or requests per round, instead of the scenario's number
  --saves N       saves of \`reload\` (100)
  --cycles N      crashes and saves of \`endurance\` (2000)
  --files N       handler files of \`startup\` (1000)
  --long          \`memory\`: also under 2 million messages
  --json FILE     everything measured, as JSON
  --profile DIR   CPU profiles of every contender (slows them down)`;

function readOptions(args: string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      messages: { type: "string" },
      saves: { type: "string", default: "100" },
      cycles: { type: "string", default: "2000" },
      files: { type: "string", default: "1000" },
      long: { type: "boolean", default: false },
      json: { type: "string" },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const unknown = positionals.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) console.error(`no scenario is called ${unknown.map((name) => `"${name}"`).join(", ")}\n`);
  if (values.help || unknown.length > 0) return undefined;
  return {
    names: positionals.length > 0 ? positionals : BY_DEFAULT,
    rounds: countOf("rounds", values.rounds),
    messages: values.messages === undefined ? undefined : countOf("messages", values.messages),
    saves: countOf("saves", values.saves),
    cycles: countOf("cycles", values.cycles),
    files: countOf("files", values.files),
    long: values.long,
    json: values.json,
    profile: values.profile,
  };
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new TypeError(`--${name} takes a whole number above 0, but is ${JSON.stringify(text)}`);
}

async function runAll(options: Options): Promise<boolean> {
  const machine = await describeMachine();
  console.log(renderMachine(machine));
  const reports: Record<string, Report> = {};
  for (const scenario of SCENARIOS.filter(({ name }) => options.names.includes(name))) {
    const report = await scenario.run(options);
    reports[scenario.name] = report;
    for (const table of report.tables) console.log(renderTable(table));
    for (const failure of report.failures) console.log(`  FAILED: ${failure}\n`);
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ machine, reports }, null, 1)}\n`);
  return Object.values(reports).every(({ failures }) => failures.length === 0);
}

const options = readOptions(process.argv.slice(2));
if (options === undefined) console.log(HELP);
else if (!(await runAll(options))) process.exitCode = 1;
