// A disk is full, the nats-server's or the project's own: that is told, nothing is lost, what is to be off goes off, and all goes
// on when there is room again.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { connectClient } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";
import { type SmallDisk, smallDisk } from "../support/small-disk.ts";

const stage = useStage();
const SOON = { timeout: 40_000, interval: 100 };
const ORDERS = Array.from({ length: 20 }, (_, at) => at + 1);
/** More than the disk has: else the server refuses by its own reckoning, long before the disk does. */
const BELIEVES = "jetstream { max_file_store: 1GB }";

let server: TestServer | undefined;
let disk: SmallDisk | undefined;
afterEach(async () => {
  await server?.kill();
  await server?.stop();
  disk?.remove();
});

/** Runs up to the gate, which is a file, and publishes when it is there. */
const forwardAt = (gate: string) => `
  import { existsSync } from "node:fs";
  import { setTimeout as delay } from "node:timers/promises";
  export const metadata = { subject: "order", kind: "durable", concurrency: 32 };
  export default async (order, ctx) => {
    while (!existsSync(${JSON.stringify(gate)})) await delay(20, undefined, { signal: ctx.signal });
    await ctx.publish("out.order", { id: order.id, filling: "x".repeat(40_000) });
  };`;

it("is told by /readyz, status and log, loses nothing, and holds nobody up any more once there is room", async ({
  skip,
}) => {
  disk = smallDisk(8);
  if (disk === undefined) return skip("no file system may be mounted here");
  server = await startTestServer({ storeDir: join(disk.path, "store"), config: BELIEVES });
  const servers = server.url;
  const client = await connectClient(servers);
  const jsm = await jetstreamManager(client.connection, { checkAPI: false });
  await jsm.streams.add({ name: "ORDER", subjects: ["order"] });
  await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
  const port = await freePort();
  const gate = join(mkdtempSync(join(tmpdir(), "nats-handlers-gate-")), "open");
  const handlers = { "forward.js": forwardAt(gate) };
  const app = await stage.start({ handlers, config: { nats: { servers }, http: { port } } });
  const ready = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    const { stuck } = (await answer.json()) as { stuck: { reason: string }[] };
    return { status: answer.status, stuck: stuck.map(({ reason }) => reason).sort() };
  };
  for (const id of ORDERS) await client.ask("order", { id });

  const held = app.next("handler.held", { handler: "forward" });
  disk.fill();
  writeFileSync(gate, "");
  console.log(`told: ${(await held).text}`);
  await expect.poll(ready, SOON).toMatchObject({ status: 503, stuck: [expect.any(String)] });
  expect(app.status("forward").holds).not.toEqual([]);

  disk.makeRoom();
  // Some servers write again by themselves, others only after a restart.
  await server.kill();
  await server.restart();
  const stored = async () => {
    const { last_seq: last } = (await jsm.streams.info("OUT")).state;
    const found = new Set<number>();
    // What could not be written leaves gaps.
    for (let seq = 1; seq <= last; seq++) {
      const message = await jsm.streams.getMessage("OUT", { seq }).catch(() => null);
      if (message !== null) found.add(message.json<{ id: number }>().id);
    }
    return [...found].sort((a, b) => a - b);
  };
  await expect.poll(() => stored().catch(String), SOON).toEqual(ORDERS);
  await expect.poll(ready, SOON).toEqual({ status: 200, stuck: [] });
  expect(await new DeadLetterBox(client.connection, "shop").list()).toEqual([]);
  await client.connection.close();
  await app.close();
});

it("of the nats-server keeps nobody from turning a handler off, and on again", async ({ skip }) => {
  disk = smallDisk(8);
  if (disk === undefined) return skip("no file system may be mounted here");
  server = await startTestServer({ storeDir: join(disk.path, "store"), config: BELIEVES });
  const servers = server.url;
  const handlers = { "note.js": 'export const metadata = { subject: "note" };\nexport default () => {};' };
  const app = await stage.start({ handlers, config: { nats: { servers } } });
  const cli = (...words: string[]) =>
    runCli([...words, "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: servers } });

  disk.fill();
  const off = app.next("handler.disabled", { handler: "note" });
  const disabled = await cli("disable", "note");
  await off;
  // Some servers have room in a block that they began before.
  expect([disabled.code, disabled.stderr]).toEqual([
    0,
    expect.stringMatching(/^$|takes nothing now: the replicas write it/),
  ]);
  disk.makeRoom();
  await server.kill();
  await server.restart();
  await expect.poll(async () => (await cli("status", "--json")).code, SOON).toBe(0);
  expect(app.status("note").state).toBe("disabled");
  const on = app.next("handler.enabled", { handler: "note" });
  await expect.poll(async () => (await cli("enable", "note")).code, SOON).toBe(0);
  await on;
  await app.close();
});

it("of the project keeps no operator out, and a start from it is refused in one line", async ({ skip }) => {
  const project = createProject(
    { "note.js": 'export const metadata = { subject: "note" };\nexport default () => {};' },
    "shop",
  );
  writeFileSync(join(project.rootDir, "handlers.config.ts"), 'export default { app: "shop" };');
  disk = smallDisk(4, join(project.rootDir, ".handlers"));
  if (disk === undefined) return skip("no file system may be mounted here");
  server = await startTestServer();
  const options = { cwd: project.rootDir, env: { NATS_URL: server.url } };
  const app = startCli(["start"], options);
  await app.printed(/"msg":"ready: /);
  disk.fill();
  const ended = [];
  for (const words of [["status"], ["disable", "note"], ["enable", "note"]]) ended.push(await runCli(words, options));
  expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(3).fill({ code: 0, stderr: "" }));
  app.child.kill("SIGTERM");
  expect((await app.ended).code).toBe(0);

  rmSync(join(disk.path, "program"), { recursive: true });
  disk.fill();
  const refused = await runCli(["start"], options);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^DISK_REFUSED: .*no space left on the disk/),
  });
  expect(refused.stderr).not.toMatch(/^ +at /m);
  disk.makeRoom();
  const again = startCli(["start"], options);
  await again.printed(/"msg":"ready: /);
  again.child.kill("SIGTERM");
  await again.ended;
  disk.remove();
  disk = undefined;
  project.end();
});
