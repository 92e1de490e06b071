// The sample as a new user runs it: `handlers dev` in a copy of it, then messages from the command line and from a NATS
// client that knows nothing of us.
// @module-tag any-server

import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRuntimeFile } from "../../runtime/dev-server/runtime-file.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { startTestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

let project: TestProject;
let dev: CliProcess;
let before: Set<number>;

beforeEach(async () => {
  before = childProcesses();
  project = createProject();
  project.copySample();
  dev = startCli(["dev", "--port", "0"], { cwd: project.rootDir });
  await dev.printed(/4 handlers serving/);
});

afterEach(async () => {
  dev.child.kill("SIGTERM");
  expect(await dev.ended).toMatchObject({ code: 0 });
  project.end();
  await noneLeft(before);
});

const cli = (...args: string[]) => runCli(args, { cwd: project.rootDir });

async function items(): Promise<unknown> {
  const { code, stdout } = await cli("request", "todo.list");
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { items: unknown }).items;
}

const MILK = "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01";
const BREAD = "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a02";

describe("the to-do sample", () => {
  it("saves what is sent, tells of it, tidies it, and lists it from the database", async () => {
    const sent = await cli("send", "todo.newitem", JSON.stringify({ id: MILK, item: "  skimmed   milk " }));
    expect(sent).toMatchObject({ code: 0, stdout: "", stderr: "" });
    await dev.printed(/todo\/audit +│ saw todo\.newitem \{"event":\{"id":"5f0c3f64/);
    await dev.printed(/saw todo\.itemsaved/);
    let listed = await items();
    // `mutate` works on its own time: asking again is how anybody finds out.
    while (JSON.stringify(listed).includes('"mutatedAtMs":null')) listed = await items();
    const [savedAtMs, mutatedAtMs] = [expect.any(Number), expect.any(Number)];
    expect(listed).toEqual([{ id: MILK, item: "Skimmed milk", savedAtMs, mutatedAtMs }]);
  });

  it("works with any NATS client; an item sent twice is there once; a wrong one is refused with its reasons", async () => {
    const connection = await connect({ servers: readRuntimeFile(`${project.rootDir}/.handlers`)!.url });
    const saved = connection.subscribe("todo.itemsaved");
    for (const [id, item] of [
      [MILK, "milk"],
      [MILK, "milk"],
      [BREAD, "bread"],
    ]) {
      connection.publish("todo.newitem", JSON.stringify({ id, item }));
    }
    const told: unknown[] = [];
    for await (const message of saved) if (told.push(message.json()) === 3) break;
    expect(told).toEqual([{ id: MILK }, { id: MILK }, { id: BREAD }]);
    const reply = await connection.request("todo.list", JSON.stringify({ limit: 5 }));
    const { items: listed } = reply.json() as { items: { id: string }[] };
    expect(listed.map(({ id }) => id).sort()).toEqual([MILK, BREAD]);

    connection.publish("todo.newitem", JSON.stringify({ id: "not an id", item: "" }));
    await dev.printed(/todo\/save +PAYLOAD_INVALID: refused its payload on "todo\.newitem"/);
    const refused = await connection.request("todo.list", JSON.stringify({ limit: 0 }));
    expect(refused.headers?.get("Nats-Service-Error-Code")).toBe("400");
    await connection.close();
  });

  it("loses nothing that was published while nothing ran", async () => {
    const server = await startTestServer();
    const env = { NATS_URL: server.url };
    const start = (...args: string[]) => startCli(["start", ...args], { cwd: project.rootDir, env });
    // Once, so that the stream is there.
    const first = start("--provision");
    await first.printed(/"event":"runtime.ready"/);
    first.child.kill("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0 });

    const sent = await runCli(["send", "todo.newitem", JSON.stringify({ id: BREAD, item: "rye  bread" }), "--json"], {
      cwd: project.rootDir,
      env,
    });
    expect(JSON.parse(sent.stdout)).toMatchObject({ stream: "TODO", seq: 1 });
    const second = start();
    // Who hears of it meanwhile, and who was not there yet, is another story: events are for those who listen.
    await second.printed(/"event":"runtime.ready"/);
    const listed = async () => {
      const { stdout } = await runCli(["request", "todo.list"], { cwd: project.rootDir, env });
      return JSON.parse(stdout) as unknown;
    };
    await expect.poll(listed).toMatchObject({ items: [{ id: BREAD }] });
    second.child.kill("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0 });
    await server.stop();
  });
});
