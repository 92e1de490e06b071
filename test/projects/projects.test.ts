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
import { type LaidOut, laidOut, type Manager } from "./laid-out.ts";

interface Project {
  readonly name: string;
  readonly manager?: Manager;
  /** Has a package that is compiled when it is installed. */
  readonly compiled?: boolean;
  /** Subject below the project's name, what is sent, and what comes back. */
  readonly asks: readonly (readonly [handler: string, send: unknown, expected: unknown])[];
}

/** Stands for the port of a server that is started first. */
const POSTGRES = Symbol("postgres");

const WORKSPACE: Project["asks"] = [["total", { cents: 250 }, ["order: 2.50 EUR", "2.50 EUR", "<p>Dear Ada</p>"]]];

const PROJECTS: readonly Project[] = [
  {
    name: "better-sqlite3",
    compiled: true,
    asks: [
      ["rows", 0, { n: 2 }],
      ["alias", 0, { n: 2 }],
    ],
  },
  { name: "sharp", asks: [["resize", 0, { from: [8, 4], to: [4, 2] }]] },
  { name: "knex", asks: [["rows", 0, [{ n: 1 }]]] },
  { name: "sequelize", asks: [["query", 0, ["postgres", "Users", "SequelizeConnectionRefusedError"]]] },
  { name: "typeorm", asks: [["users", 0, ["Ada"]]] },
  { name: "nest", asks: [["total", 0, 7]] },
  { name: "pino", asks: [["log", 0, "INFO: hello from a transport"]] },
  { name: "piscina", asks: [["square", 7, 49]] },
  {
    name: "worker-thread",
    asks: [["ask", 0, ["from a worker", "from a worker, later", "good morning", "<p>a letter</p>"]]],
  },
  { name: "otel-pg", asks: [["query", POSTGRES, { rows: [{ n: 1 }], spans: ["pg.connect"] }]] },
  { name: "npm-workspace", manager: "npm workspace", asks: WORKSPACE },
  { name: "pnpm-workspace", manager: "pnpm workspace", asks: WORKSPACE },
  { name: "effect", asks: [["sum", [1, 2, 3], 6]] },
  {
    name: "schemas",
    asks: [
      ["valibot", { n: 4 }, 4],
      ["valibot", { n: 2 }, 400],
      ["arktype", { n: 4 }, 4],
      ["arktype", { n: 2 }, 400],
      ["zods", { n: 4 }, [4, false, true]],
      ["zods", { n: 2 }, 400],
    ],
  },
  {
    name: "clients",
    asks: [
      ["mongodb", 0, ["MongoServerSelectionError", "0123456789abcdef01234567"]],
      ["stripe", 0, "StripeConnectionError"],
      ["s3", 0, "ECONNREFUSED"],
      ["redis", 0, "Connection is closed."],
      ["mysql", 0, "ECONNREFUSED"],
    ],
  },
  {
    name: "queries",
    asks: [
      ["drizzle", 0, { n: 3 }],
      ["kysely", 0, [{ n: 4 }]],
      ["graphql", 0, { hello: "world" }],
    ],
  },
  {
    name: "texts",
    asks: [
      ["handlebars", "Ada", "Dear Ada"],
      ["express", "Ada", "Dear Ada"],
      ["jsdom", "Ada", ["Ada", "block"]],
      ["winston", "Ada", ["info: Ada"]],
      ["protobuf", "Ada", { name: "Ada" }],
    ],
  },
];

let server: TestServer;
let client: TestClient;
let postgres: FakePostgres;
let packages: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  packages = join(installed(), "node_modules");
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

test.for(PROJECTS)(
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
  180_000,
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
