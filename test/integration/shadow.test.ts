// A handler that was changed in three ways, tried on messages that were stored: these three ways are what is found, and nothing
// on the server has changed.

import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Shadowed } from "../../runtime/shadow/shadow.ts";
import { type CliResult, runCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { volume } from "../support/volume.ts";

const ORDERS = process.env.TEST_VOLUME === "full" ? 10_000 : volume(900);
const AT_ONCE = 500;

/** Of itself it gives each bill an id and a time, and tells how long it took: none of it is a difference. */
const BEFORE = `import { appendFileSync } from "node:fs";
export const metadata = { subject: "orders.placed", kind: "durable", concurrency: 8 };
export function setup({ shadow }) {
  appendFileSync("setups.txt", \`shadow: \${shadow}\\n\`);
}
export default async (order, ctx) => {
  const began = performance.now();
  if (order.cents === 0) throw new Error(\`order \${order.id} costs nothing\`);
  const bill = { bill: crypto.randomUUID(), at: Date.now(), order: order.id, cents: order.cents };
  await ctx.publish("orders.billed", bill, { headers: { Region: order.region } });
  if (order.region === "eu") await ctx.publish("orders.taxed", { order: order.id, rate: 19 });
  ctx.log.info({ took: performance.now() - began, shadow: ctx.shadow }, \`billed \${order.id}\`);
};
`;
/** Orders of gb fail, those of eu are taxed otherwise, and each tenth is audited. */
const AFTER = BEFORE.replace(
  "const bill =",
  'if (order.region === "gb") throw new RangeError("no rate for gb");\n  const bill =',
)
  .replace("rate: 19", "rate: 21")
  .replace(
    "ctx.log.info(",
    'if (order.number % 10 === 0) await ctx.publish("orders.audited", { order: order.id });\n  ctx.log.info(',
  );

const REGIONS = ["us", "eu", "gb", "us", "us"];
const orders = Array.from({ length: ORDERS }, (_, number) => ({
  id: `o-${number}`,
  number,
  region: REGIONS[number % REGIONS.length]!,
  cents: number % 50 === 3 ? 0 : 100 + number,
}));

let server: TestServer;
let client: TestClient;
let jsm: JetStreamManager;
let project: TestProject;

beforeAll(async () => {
  server = await startTestServer();
  client = await connectClient(server.url);
  jsm = await jetstreamManager(client.connection);
  await jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
  await jsm.consumers.add("ORDERS", { durable_name: "of-somebody", ack_policy: "explicit" });
  const js = jetstream(client.connection);
  for (let at = 0; at < orders.length; at += AT_ONCE) {
    const some = orders.slice(at, at + AT_ONCE);
    await Promise.all(some.map((order) => js.publish("orders.placed", JSON.stringify(order))));
  }
});
afterAll(async () => {
  await client.connection.close();
  await server.stop();
});
beforeEach(() => {
  project = createProject({ "bill.js": BEFORE });
});
afterEach(() => project.end());

const cli = (...args: string[]): Promise<CliResult> =>
  runCli(args, { cwd: project.rootDir, env: { NATS_URL: server.url } });

const shadow = (...args: string[]) => cli("shadow", "bill", "--limit", String(ORDERS), ...args);

/** All that a server keeps: its streams with their numbers and counts, and their consumers with theirs. */
async function whatServerKeeps(): Promise<unknown> {
  const kept: unknown[] = [];
  for await (const { config, state } of jsm.streams.list()) {
    const consumers: unknown[] = [];
    for await (const { name, delivered, ack_floor, num_pending, num_ack_pending } of jsm.consumers.list(config.name)) {
      consumers.push({ name, delivered, ack_floor, num_pending, num_ack_pending });
    }
    kept.push({ config, state, consumers });
  }
  return kept;
}

it("a handler changed in three ways shows exactly these, and nothing on the server has changed or was published", async () => {
  expect(await cli("build", "--out", "deployed")).toMatchObject({ code: 0 });
  project.write("bill.js", AFTER);
  const made = await client.collect("$JS.EVENT.ADVISORY.>");
  const heard = await client.collect("orders.>");
  const kept = await whatServerKeeps();

  const { code, stdout, stderr } = await shadow("--against", "deployed", "--json");
  expect(code, stderr).toBe(1);
  expect(await whatServerKeeps()).toEqual(kept);
  await client.flush();
  const changed = made.messages.map(({ subject }) => subject).filter((subject) => !subject.includes(".API"));
  expect({ changed, heard: heard.values }).toEqual({ changed: [], heard: [] });

  const shadowed = JSON.parse(stdout) as Shadowed;
  const passing = orders.filter(({ cents }) => cents !== 0);
  const count = (holds: (order: (typeof orders)[number]) => boolean) => passing.filter(holds).length;
  const gb = count(({ region }) => region === "gb");
  const eu = count(({ region }) => region === "eu");
  const audited = count(({ number, region }) => number % 10 === 0 && region !== "gb");
  const found = Object.fromEntries(shadowed.differences.map(({ what, messages }) => [what, messages]));
  expect(found).toEqual({
    "outcome: returned → threw": gb,
    "publish orders.taxed: data.rate": eu,
    "publish orders.audited: added": audited,
  });
  expect(shadowed).toMatchObject({ messages: ORDERS, differing: gb + eu + audited, unsteady: 0 });
  expect(shadowed.noise).toEqual([
    'log info "billed o-#": fields.took',
    "publish orders.billed: data.at",
    "publish orders.billed: data.bill",
  ]);
  const outcome = shadowed.differences.find(({ what }) => what.startsWith("outcome"));
  expect(outcome?.examples[0]).toEqual({ sequence: 3, before: '"returned"', after: '"threw (no rate for gb)"' });
  expect(readFileSync(join(project.rootDir, "setups.txt"), "utf8")).toBe("shadow: true\n".repeat(3));
});

it("what a version writes to a bucket goes nowhere and is compared, and what it reads is what is there", async () => {
  const rates = await new Kvm(client.connection).create("rates");
  await rates.put("eu", JSON.stringify({ percent: 19 }));
  const before = `
    export const metadata = { subject: "orders.placed", kind: "durable", uses: { kv: ["rates"] } };
    export default async (order, ctx) => {
      const rates = ctx.kv("rates");
      const { percent } = (await rates.get("eu")).json();
      await rates.put("last", { percent });
    };`;
  project.write("bill.js", before);
  expect(await cli("build", "--out", "deployed")).toMatchObject({ code: 0 });
  project.write("bill.js", before.replace("{ percent });", "{ percent: percent + 1 });"));
  const { code, stdout, stderr } = await shadow("--against", "deployed", "--limit", "3", "--json");
  expect(code, stderr).toBe(1);
  const { differences } = JSON.parse(stdout) as Shadowed;
  expect(differences).toEqual([expect.objectContaining({ what: "kv put rates/last: data.percent", messages: 3 })]);
  expect(await rates.get("last")).toBeNull();
  await jsm.streams.delete("KV_rates");
});

it("a handler that was rewritten and does the same shows no difference, and ends with 0", async () => {
  await cli("build", "--out", "deployed");
  project.write("bill.js", BEFORE.replaceAll("bill:", "bill :").replace("const began", "// As before.\n  const began"));
  const { code, stdout } = await shadow("--against", "deployed");
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("✓ no difference") });
});

it("the version before may be a commit, laid out for the while", async () => {
  const git = (...args: string[]) =>
    spawnSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: project.rootDir,
      encoding: "utf8",
    });
  for (const args of [
    ["init", "-q"],
    ["add", "."],
    ["commit", "-qm", "first"],
    ["tag", "deployed"],
  ])
    git(...args);
  project.write("bill.js", BEFORE.replace("rate: 19", "rate: 21"));
  const { code, stdout, stderr } = await shadow("--against", "deployed", "--limit", "10", "--json");
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(JSON.parse(stdout)).toMatchObject({ before: "commit deployed", messages: 10, differences: [{ messages: 2 }] });
  expect(spawnSync("ls", [join(project.rootDir, ".handlers/shadow")], { encoding: "utf8" }).stdout).toBe("");
});

it("a version that kills its worker, or blocks it, is told by its outcome, and the rest is compared", async () => {
  await cli("build", "--out", "deployed");
  const guilty = "if (order.number === 1) process.exit(7);\n  if (order.number === 5) for (;;);\n  const bill =";
  project.write(
    "bill.js",
    BEFORE.replace("const bill =", guilty).replace("concurrency: 8", 'concurrency: 8, timeout: "2s"'),
  );
  const { stdout } = await shadow("--against", "deployed", "--limit", "20", "--json");
  const { differences, messages } = JSON.parse(stdout) as Shadowed;
  const outcomes = differences.filter(({ what }) => what.startsWith("outcome"));
  expect(messages).toBe(20);
  expect(outcomes.map(({ what, examples }) => [what, examples.map(({ sequence }) => sequence)]).sort()).toEqual([
    ["outcome: returned → crashed", [2]],
    ["outcome: returned → timed-out", [6]],
  ]);
});

it.each([
  ["live", 3, /no runtime of app/],
  ["nothing-of-the-kind", 2, /neither a folder of `handlers build` nor a commit/],
])("against %s there is nothing to compare: exit code %i, and a line that says why", async (against, expected, why) => {
  const { code, stderr } = await shadow("--against", against);
  expect({ code, stderr }).toEqual({ code: expected, stderr: expect.stringMatching(why) });
});

it("what cannot be found out is no difference: a version that does not come up, a time without messages, a handler unknown", async () => {
  await cli("build", "--out", "deployed");
  expect(await shadow("--against", "deployed", "--from", "2100-01-01")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('stream "ORDERS" has no message'),
  });
  expect(await cli("shadow", "bil", "--against", "deployed")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean "bill"?'),
  });
  appendFileSync(project.path("bill.js"), "throw new Error('not today');\n");
  expect(await shadow("--against", "deployed")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("not today"),
  });
  expect(existsSync(join(project.rootDir, "setups.txt"))).toBe(false);
});
