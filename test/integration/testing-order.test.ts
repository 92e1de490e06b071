// The test kit and handlers whose order is kept over all replicas: their messages are copied by the server first, and nobody is told when.

import { startTestRuntime, type TestRuntime } from "nats-handlers/testing";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { isSince } from "../../runtime/nats/server-version.ts";
import { connectClient } from "../support/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";

const FOLLOWS = `
  export const metadata = { subject: "orders.*.placed", kind: "durable", orderBy: { wildcard: 0, partitions: 8 },
    retry: { attempts: 2, backoff: ["10m"] } };
  export default ({ id, broken }: { id: string; broken: boolean }, ctx: any) => {
    ctx.log.info({ id, attempt: ctx.attempt }, "tried");
    if (broken && ctx.attempt === 1) throw new Error("not yet");
  };`;

let isKnown: boolean;
let project: TestProject | undefined;

beforeAll(async () => {
  const server = await startTestServer();
  const { connection } = await connectClient(server.url);
  isKnown = isSince(connection.info?.version, [2, 10]);
  await connection.close();
  await server.stop();
});
beforeEach(({ skip }) => {
  if (!isKnown) skip("before 2.10");
});
afterEach(() => {
  project?.end();
  project = undefined;
});

function running(): Promise<TestRuntime> {
  project = createProject({ "follow.ts": FOLLOWS });
  return startTestRuntime({ root: project.rootDir });
}

function tried(app: TestRuntime): string[] {
  return app.logs("follow").map(({ fields: { id, attempt } }) => `${id}${attempt}`);
}

it("what is on its way into the order is waited for", async () => {
  await using app = await running();
  const expected: string[] = [];
  for (const id of ["a", "b", "c", "d", "e"]) {
    await app.publish(`orders.${id}.placed`, { id });
    await app.idle();
    expected.push(`${id}1`);
    expect(tried(app)).toEqual(expected);
  }
});

it("only what has the key of the one that is put off waits for it", async () => {
  await using app = await running();
  for (const id of ["a", "b", "a"]) await app.publish(`orders.${id}.placed`, { id, broken: id === "a" });
  await app.advance("9m");
  expect(tried(app).sort()).toEqual(["a1", "b1"]);
  await app.advance("1m");
  expect(tried(app).sort()).toEqual(["a1", "a1", "a2", "b1"]);
  await app.advance("10m");
  expect(tried(app).sort()).toEqual(["a1", "a1", "a2", "a2", "b1"]);
  await app.idle();
});
