// The schemas of the working tree over messages that were stored.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type CliResult, runCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";

const handler = (kind: string, subject: string, schema: string) => `import { writeFileSync } from "node:fs";
import { z } from "zod";
export const metadata = { subject: "${subject}", kind: "${kind}", schema: ${schema} };
const called = () => writeFileSync("called.txt", "");
export { called as setup, called as teardown, called as default };
`;

let server: TestServer;
let client: TestClient;
let project: TestProject;

beforeAll(async () => {
  server = await startTestServer();
  client = await connectClient(server.url);
  await (await jetstreamManager(client.connection)).streams.add({
    name: "SHOP",
    subjects: ["shop.placed", "shop.paid"],
  });
  const js = jetstream(client.connection);
  for (let id = 1; id <= 20; id++) {
    await js.publish("shop.placed", JSON.stringify(id % 5 === 0 ? { id } : { id, note: "a" }));
    await js.publish("shop.paid", id === 20 ? "not JSON" : "1");
  }
});
afterAll(async () => {
  await client.connection.close();
  await server.stop();
});
beforeEach(() => {
  project = createProject({
    "bill.ts": handler("durable", "shop.placed", "z.object({ id: z.int(), note: z.string() })"),
  });
});
afterEach(() => {
  const called = existsSync(join(project.rootDir, "called.txt"));
  project.end();
  expect(called).toBe(false);
});

const stored = (...args: string[]): Promise<CliResult> =>
  runCli(["describe", "--stored", ...args], { cwd: project.rootDir, env: { NATS_URL: server.url } });

it("says how many would be refused, which, and why; neither the handler nor its set-up is called", async () => {
  const { code, stdout } = await stored("1000");
  expect(code).toBe(1);
  const [count, ...rows] = stdout.trimEnd().split("\n");
  expect(count).toBe("✗ bill: 4 of 20 stored messages in SHOP would be refused");
  expect(rows.map((row) => /^ {2}(\d+) +invalid payload: note: /.exec(row)?.[1])).toEqual(["9", "19", "29", "39"]);
});

it("looks at the last so many messages of the stream, and of these at what the handler takes", async () => {
  const { code, stdout } = await stored("4", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    handlers: [
      {
        ...{ handler: "bill", stream: "SHOP", messages: 2, refused: 1 },
        examples: [{ sequence: 39, error: expect.stringMatching(/^invalid payload: note: /) }],
      },
    ],
  });
});

it("ends with 0 when all would be taken; what is not JSON is refused as well; requests and what nobody keeps are passed over", async () => {
  project.write("bill.ts", handler("durable", "shop.placed", "z.object({ id: z.int(), note: z.string().optional() })"));
  project.write("ask.ts", handler("request", "shop.price", "z.string()"));
  project.write("hear.ts", handler("event", "elsewhere", "z.string()"));
  const { code, stdout } = await stored("1000");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "✓ bill: none of 20 stored messages in SHOP would be refused\n",
  });
  project.write("paid.ts", handler("event", "shop.paid", "z.number()"));
  expect(await stored("1000")).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/✗ paid: 1 of 20 stored messages in SHOP would be refused\n {2}40 +invalid payload/),
  });
});

it("is one thing, and a comparison of documents another", async () => {
  expect(await stored("10", "--check", "base.json")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("exclude"),
  });
  expect(await stored("many")).toMatchObject({ code: 2, stderr: expect.stringContaining("--stored needs") });
});
