// A build is served, replaced by the next one, and rolled back from: the code of before runs in the build of now.
// @module-tag any-server

import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { scrape } from "../support/scrape.ts";

let before: Set<number>;
let server: TestServer;
let client: TestClient;
let project: TestProject;
const started: CliProcess[] = [];

beforeEach(async () => {
  before = childProcesses();
  server = await startTestServer();
  client = await connectClient(server.url);
  project = createProject();
});

afterEach(async () => {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
  await client.connection.close();
  await server.stop();
  project.end();
  await noneLeft(before);
});

const answering = (version: string, canary = "") => `
  import { readFileSync } from "node:fs";
  export const metadata = { subject: "shop.version", kind: "request" ${canary} };
  const sign = readFileSync(new URL("./sign.txt", import.meta.url), "utf8").trim();
  export default () => "${version} " + sign;`;

/** As a pipeline does: each version built into a folder of its own. */
async function build(version: string, canary?: string): Promise<string> {
  project.write("answer.ts", answering(version, canary));
  project.write("sign.txt", "signed");
  const dir = join(project.rootDir, "builds", version);
  expect(await runCli(["build", "--out", dir], { cwd: project.rootDir })).toMatchObject({ code: 0, stderr: "" });
  return dir;
}

async function startReplica(dir: string, env: Readonly<Record<string, string>> = {}): Promise<CliProcess> {
  const replica = startCli(["start", "--build", dir], { cwd: project.rootDir, env: { NATS_URL: server.url, ...env } });
  started.push(replica);
  await replica.printed(/"event":"runtime\.ready","serving":1,"failed":0/);
  return replica;
}

async function stopReplica(replica: CliProcess): Promise<void> {
  replica.child.kill("SIGTERM");
  expect((await replica.ended).code, replica.text()).toBe(0);
}

/** Resolves when the next list of versions of the handler is stored. */
async function nextKept(): Promise<() => Promise<void>> {
  const subscription = client.connection.subscribe("versions.shop.list.answer", { max: 1 });
  await client.connection.flush();
  return async () => {
    for await (const _ of subscription);
  };
}

const answer = async () => (await client.ask("shop.version")).value;

it("a build serves the version of the build before it, and so it does when it is started again", async () => {
  const [one, two] = [await build("one"), await build("two")];
  const onesKept = await nextKept();
  const first = await startReplica(one);
  await onesKept();
  const twosKept = await nextKept();
  await stopReplica(first);
  const port = await freePort();
  const second = await startReplica(two, { HANDLERS_HTTP_PORT: `${port}` });
  const gauge = async () => (await scrape(`http://127.0.0.1:${port}`)).get('handlers_rolled_back{handler="answer"}');
  expect(await answer()).toBe("two signed");
  expect(await gauge()).toBe(0);
  await twosKept();

  const back = await runCli(["rollback", "answer"], { cwd: project.rootDir, env: { NATS_URL: server.url } });
  expect(back).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("on 1 replica in") });
  expect(await answer()).toBe("one signed");
  expect(second.text()).toMatch(/"event":"handler\.rolled-back"/);
  expect(await gauge()).toBe(1);

  await stopReplica(second);
  const third = await startReplica(two);
  expect(await answer()).toBe("one signed");
  await stopReplica(third);
}, 240_000);

it("a replica that starts with the next build tries it beside the one before, until it has passed", async () => {
  const canary = ", canary: { percent: 50, messages: 5 }";
  const [one, two] = [await build("one", canary), await build("two", canary)];
  const onesKept = await nextKept();
  const first = await startReplica(one);
  await onesKept();
  await stopReplica(first);

  const second = await startReplica(two);
  await second.printed(/"event":"canary\.began"/);
  const ask = (count: number) => Promise.all(Array.from({ length: count }, answer));
  expect((await ask(8)).toSorted()).toEqual([...Array(4).fill("one signed"), ...Array(4).fill("two signed")]);
  await ask(8);
  await second.printed(/"event":"canary\.passed"/);
  expect(new Set(await ask(8))).toEqual(new Set(["two signed"]));
  await stopReplica(second);
}, 240_000);
