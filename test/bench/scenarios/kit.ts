// What an author waits for: a test file with ten tests of the real runtime, each of which starts one of its own with a nats-server
// of its own, publishes, waits until nothing is left to do, and looks at what came of it.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { spreadOf } from "../measure/statistics.ts";
import { showSpread, two, verdictLine } from "../output/figures.ts";
import { createProject, type Project } from "../project.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const KIT = fileURLToPath(new URL("../../../runtime/testing/index.ts", import.meta.url));
const TESTS = 10;

const HANDLER = `
export const metadata = { subject: "orders.placed", kind: "durable" };
export default (order: { id: string }, ctx: any) => ctx.publish("orders.billed", { id: order.id });
`;
const FILE = `import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestRuntime } from ${JSON.stringify(KIT)};
for (let at = 0; at < ${TESTS}; at++)
  test("order " + at + " is billed", async () => {
    await using app = await startTestRuntime();
    await app.publish("orders.placed", { id: at });
    await app.idle();
    assert.deepEqual(app.published("orders.billed").map(({ data }) => data), [{ id: at }]);
  });
`;

async function run({ rounds }: Options): Promise<Report> {
  const project = createProject();
  try {
    project.write("bill", HANDLER);
    writeFileSync(join(project.rootDir, "bill.test.ts"), FILE);
    await secondsOf(project); // Finds the nats-server, and has the files in the machine's memory.
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) seconds.push(await secondsOf(project));
    const { median } = spreadOf(seconds);
    const table = {
      title: `kit: a test file with ${TESTS} tests, each with a runtime of its own (${rounds} rounds)`,
      head: ["", "s"],
      rows: [["from the start of node --test to its end", showSpread(spreadOf(seconds), two)]],
      notes: [verdictLine(`${two(median)} s`, median, "kitSeconds")],
    };
    return { tables: [table], data: { seconds }, failures: [], numbers: { kitSeconds: median } };
  } finally {
    project.remove();
  }
}

/** Rejects when a test fails. */
async function secondsOf({ rootDir }: Project): Promise<number> {
  const startedMs = performance.now();
  const tests = spawn(process.execPath, ["--test", "bill.test.ts"], {
    cwd: rootDir,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [tests.stdout, tests.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const code = await new Promise((resolve) => tests.once("close", resolve));
  if (code !== 0 || !said.includes(`pass ${TESTS}`)) throw new Error(`the tests ended with ${String(code)}:\n${said}`);
  return (performance.now() - startedMs) / 1_000;
}

export const kit: Scenario = {
  name: "kit",
  summary: "how long a test file with ten tests takes, each with a runtime and a nats-server of its own",
  run,
};
