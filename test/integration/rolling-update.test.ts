// Two replicas, each a process that serves a build, are replaced one after the other while messages and requests flow.

import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

type Handled = { id: number; version: string };

const PER_SECOND = 400;
const ASKERS = 4;

let before: Set<number>;
let server: TestServer;
let client: TestClient;
let project: TestProject;

beforeEach(async () => {
  before = childProcesses();
  server = await startTestServer();
  client = await connectClient(server.url);
  const manager = await jetstreamManager(client.connection);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders.*"] });
  project = createProject();
});

afterEach(async () => {
  await client.connection.close();
  await server.stop();
  project.end();
  await noneLeft(before);
});

const counting = (version: string) => `
  export const metadata = { subject: "orders.placed", kind: "durable", concurrency: 8 };
  export default async ({ id }, ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await ctx.publish("handled", { id, version: "${version}" });
  };`;

const answering = (version: string) => `
  export const metadata = { subject: "shop.version", kind: "request" };
  export default async () => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return "${version}";
  };`;

/** As a pipeline does: each version built into a folder of its own. */
async function build(version: string): Promise<string> {
  project.write("count.ts", counting(version));
  project.write("answer.ts", answering(version));
  const dir = join(project.rootDir, "builds", version);
  expect(await runCli(["build", "--out", dir], { cwd: project.rootDir })).toMatchObject({ code: 0, stderr: "" });
  return dir;
}

async function startReplica(dir: string): Promise<CliProcess> {
  const replica = startCli(["start", "--build", dir], { cwd: project.rootDir, env: { NATS_URL: server.url } });
  await replica.printed(/"event":"runtime\.ready","serving":2,"failed":0/);
  return replica;
}

async function stopReplica(replica: CliProcess): Promise<void> {
  replica.child.kill("SIGTERM");
  expect((await replica.ended).code, replica.text()).toBe(0);
}

/** Numbered orders into the stream, each confirmed. `stop` resolves with how many. */
function placeOrders(): { stop(): Promise<number> } {
  const js = jetstream(client.connection);
  const confirmed: Promise<unknown>[] = [];
  const startedAtMs = systemClock.monotonicMs();
  const timer = systemClock.every(5, () => {
    const due = ((systemClock.monotonicMs() - startedAtMs) / 1_000) * PER_SECOND;
    while (confirmed.length < due)
      confirmed.push(js.publish("orders.placed", JSON.stringify({ id: confirmed.length + 1 })));
  });
  return {
    async stop() {
      timer.cancel();
      await Promise.all(confirmed);
      return confirmed.length;
    },
  };
}

/** Some who ask again as soon as they have their answer. `stop` resolves with all answers and failures, in order. */
function ask(): { readonly answers: string[]; stop(): Promise<readonly string[]> } {
  const answers: string[] = [];
  let asking = true;
  const asker = async () => {
    while (asking) {
      const answer = await client.ask("shop.version").then(
        ({ code, error, value }) => (code === 0 ? String(value) : `${code} ${error}`),
        (error: unknown) => String(error),
      );
      answers.push(answer);
    }
  };
  const askers = Array.from({ length: ASKERS }, asker);
  return {
    answers,
    async stop() {
      asking = false;
      await Promise.all(askers);
      return answers;
    },
  };
}

it("replaced one after the other, two replicas lose no message and fail no request", async () => {
  const handled = await client.collect<Handled>("handled");
  const [first, second] = [await build("one"), await build("two")];
  const old = [await startReplica(first), await startReplica(first)] as const;
  const orders = placeOrders();
  const asked = ask();
  await handled.until(PER_SECOND / 4);

  // The new one is up before the old one goes, as Kubernetes does it ...
  const surge = await startReplica(second);
  await stopReplica(old[0]);
  await handled.until(handled.values.length + PER_SECOND / 4);
  // ... and the other way round, as where there is no room for three.
  await stopReplica(old[1]);
  const last = await startReplica(second);
  await handled.until(handled.values.length + PER_SECOND / 4);

  const answers = await asked.stop();
  const count = await orders.stop();
  await handled.when((values) => new Set(values.map(({ id }) => id)).size >= count);
  const ids = handled.values.map(({ id }) => id);
  const missing = Array.from({ length: count }, (_, at) => at + 1).filter((id) => !ids.includes(id));
  expect(missing).toEqual([]);
  // Drained, not cut off: nothing had to be run a second time.
  expect(ids.length).toBe(count);
  expect(new Set(answers)).toEqual(new Set(["one", "two"]));
  expect(answers.at(-1)).toBe("two");
  expect(new Set(handled.values.map(({ version }) => version))).toEqual(new Set(["one", "two"]));
  for (const replica of [surge, last]) await stopReplica(replica);
});
