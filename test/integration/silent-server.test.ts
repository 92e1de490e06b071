// A NATS server that accepts connections and says nothing: a stopped one, or something else on its port. Whatever is
// asked of it has to come to an end.
// @module-tag any-server

import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";

const HANDLER = `export const metadata = { subject: "shop.order" };\nexport default () => {};\n`;
const COMMANDS = [
  ["status"],
  ["send", "shop.order", "{}"],
  ["request", "shop.order", "{}"],
  ["dlq", "list"],
  ["disable", "order"],
  ["logs"],
  ["start"],
  ["dev"],
];

let silent: Server;
let server: TestServer;
let project: TestProject;
beforeAll(async () => {
  silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  server = await startTestServer();
  project = createProject({ "order.js": HANDLER });
});
afterAll(async () => {
  silent?.close();
  project?.end();
  await server?.stop();
});

/** Every command, side by side: each waits some seconds before it gives up. */
async function everyCommand(url: string): Promise<unknown[]> {
  const ended = COMMANDS.map((words) => runCli(words, { cwd: project.rootDir, env: { NATS_URL: url } }));
  return (await Promise.all(ended)).map(({ code, stdout, stderr }, at) => {
    return { words: COMMANDS[at], code, told: /NATS_UNREACHABLE: no NATS server at/.test(stdout + stderr) };
  });
}

const ENDED = COMMANDS.map((words) => ({ words, code: 3, told: true }));

it("every command ends with 3 against a port that accepts and says nothing", async () => {
  const { port } = silent.address() as AddressInfo;
  expect(await everyCommand(`nats://127.0.0.1:${port}`)).toEqual(ENDED);
});

it("every command ends with 3 against a nats-server that has been stopped", async () => {
  process.kill(server.pid, "SIGSTOP");
  try {
    expect(await everyCommand(server.url)).toEqual(ENDED);
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
});
