// Real projects with real packages: `dev`, `check`, `start` from sources and a build that was copied to an empty folder give the
// same answers.

import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { runCli, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { type FakePostgres, startFakePostgres } from "./fake-postgres.ts";
import { CAN_COMPILE, installed } from "./installed.ts";
import { type LaidOut, laidOut } from "./laid-out.ts";
import { POSTGRES, PROJECTS, type Project } from "./table.ts";

/** All, or those whose packages are installed in seconds. */
const chosen = process.env.TEST_PROJECTS === "small" ? PROJECTS.filter(({ small }) => small === true) : PROJECTS;

let server: TestServer;
let client: TestClient;
let postgres: FakePostgres;
let packages: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  packages = join(installed(chosen.map(({ name }) => name)), "node_modules");
  server = await startTestServer();
  postgres = await startFakePostgres();
}, 900_000);
afterAll(async () => {
  await postgres?.close();
  await server?.stop();
});
beforeEach(async () => {
  client = await connectClient(server.url);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await client.connection.close();
});

test.for(chosen)(
  "$name",
  async (project, { skip }) => {
    if (project.compiled === true && !CAN_COMPILE) skip("no make, c++ and python3 to compile its package with");
    const { rootDir, remove } = laidOut(project.name, project.manager ?? "npm", packages) satisfies LaidOut;
    cleanups.push(remove);
    const checked = await runCli(["check"], { cwd: rootDir });
    expect(checked, checked.stdout + checked.stderr).toMatchObject({ code: 0 });
    await answersRight(project, ["dev"], rootDir, /\bready\b/);
    await answersRight(project, ["start", "--from-sources"], rootDir, /"event":"runtime\.ready"/);
    const built = await runCli(["build"], { cwd: rootDir });
    expect(built, built.stdout + built.stderr).toMatchObject({ code: 0 });
    const empty = realpathSync(mkdtempSync(join(tmpdir(), "nats-handlers-empty-")));
    cleanups.push(() => rmSync(empty, { recursive: true, force: true }));
    cpSync(join(rootDir, "build"), join(empty, "build"), { recursive: true });
    remove();
    await answersRight(project, ["start"], empty, /"event":"runtime\.ready"/, join(empty, "build/handlers.mjs"));
  },
  300_000,
);

async function answersRight(
  { name, asks }: Project,
  args: string[],
  cwd: string,
  ready: RegExp,
  bin?: string,
): Promise<void> {
  const env = { NATS_URL: server.url };
  const app = startCli(args, { cwd, env, ...(bin === undefined ? {} : { bin }) });
  try {
    await app.printed(ready);
    for (const [handler, send, expected] of asks) {
      const { code, value, error } = await client.ask(
        `${name}.${handler}`,
        JSON.stringify(send === POSTGRES ? postgres.port : send),
      );
      const answer = code === 400 ? 400 : code === 0 ? value : error;
      expect({ way: args.join(" "), handler, answer }, app.text()).toEqual({
        way: args.join(" "),
        handler,
        answer: expected,
      });
    }
  } finally {
    app.child.kill("SIGTERM");
  }
  expect((await app.ended).code, app.text()).toBe(0);
}
