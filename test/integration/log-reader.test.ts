// The reader of the log stands still: `handlers start | something` that does not read.
// @module-tag any-server

import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type CliProcess, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, fixture, type TestProject } from "../support/project.ts";

const LOGS = `export const metadata = { subject: "logs", kind: "request" };
export default (n, ctx) => { for (let at = 0; at < n; at++) ctx.log.info("x".repeat(1_000)); return null; };`;

let server: TestServer;
let client: TestClient;
let project: TestProject;
let running: CliProcess;
beforeAll(async () => {
  server = await startTestServer();
  client = await connectClient(server.url);
});
afterEach(async () => {
  running.child.stdout?.resume();
  running.child.kill("SIGTERM");
  await running.ended;
  project.end();
});
afterAll(async () => {
  await client.connection.close();
  await server.stop();
});

async function start(mode: "start" | "dev"): Promise<void> {
  project = createProject({ "logs.js": LOGS, "echo.ts": fixture("echoes.ts") });
  running = startCli([mode], { cwd: project.rootDir, env: { NATS_URL: server.url } });
  await running.printed(mode === "start" ? /"msg":"ready: / : /ready in/);
}

for (const mode of ["start", "dev"] as const) {
  it(`\`${mode}\`: handlers go on, lines are dropped, and their number is told when the reader is back`, async () => {
    await start(mode);
    const stdout = running.child.stdout!;
    stdout.pause();
    for (let n = 0; n < 40; n++) {
      expect((await client.ask("logs", 100)).code).toBe(0);
      expect((await client.ask("echo", n)).value).toBe(n);
    }
    stdout.resume();
    const [, dropped] = await running.printed(/the log was not read for \d+ ms: (\d+) lines of it were dropped/);
    expect(Number(dropped)).toBeGreaterThan(1_000);
    expect(Number(dropped)).toBeLessThan(4_000);
    if (mode === "dev") return;
    // What was written is whole.
    for (const line of running.text().trimEnd().split("\n")) JSON.parse(line);
  });
}

it("told to stop, it stops, though nobody reads what it says", async () => {
  await start("start");
  running.child.stdout!.pause();
  expect((await client.ask("logs", 500)).code).toBe(0);
  const gone = new Promise((resolve) => running.child.once("exit", resolve));
  running.child.kill("SIGTERM");
  expect(await gone).toBe(0);
});
