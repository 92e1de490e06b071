// The sample on a nats-server that allows each user what `handlers permissions` prints, and not a subject more.

import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

const SAMPLE = fileURLToPath(new URL("../../handlers/", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../handlers.config.ts", import.meta.url));
const MILK = "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01";

/** Each has inboxes of its own, so that nobody hears the replies to another. */
type User = "runtime" | "admin" | "operator" | "publisher";
const inboxOf = (user: User) => `_INBOX_${user}`;

let before: Set<number>;
let project: TestProject;
let server: TestServer;
let runtime: CliProcess;
let metricsUrl: string;

function environmentOf(user: User): Record<string, string> {
  return { NATS_URL: server.url, NATS_USER: user, NATS_PASSWORD: "secret", NATS_INBOX_PREFIX: inboxOf(user) };
}

const as = (user: User, ...args: string[]) => runCli(args, { cwd: project.rootDir, env: environmentOf(user) });

async function jsonAs<T>(user: User, ...args: string[]): Promise<T> {
  const { stdout, stderr } = await as(user, ...args, "--json");
  if (stdout === "") throw new Error(`\`handlers ${args.join(" ")}\` printed nothing but: ${stderr}`);
  return JSON.parse(stdout) as T;
}

async function printed(user: User, purpose: string): Promise<string> {
  const env = { NATS_INBOX_PREFIX: inboxOf(user) };
  const { code, stdout, stderr } = await runCli(["permissions", "--for", purpose], { cwd: project.rootDir, env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return `{ user: ${user}, password: secret\n${stdout}}`;
}

async function stopped(process: CliProcess): Promise<void> {
  process.child.kill("SIGTERM");
  expect(await process.ended).toMatchObject({ code: 0 });
}

function client(user: User): Promise<NatsConnection> {
  return connect({ servers: server.url, user, pass: "secret", inboxPrefix: inboxOf(user) });
}

/** What the server has refused to a user so far. */
function refusals(user: User): string[] {
  const lines = readFileSync(server.logFile, "utf8").split("\n");
  return lines.filter((line) => /Violation/.test(line) && line.includes(`"${user}"`));
}

beforeAll(async () => {
  before = childProcesses();
  project = createProject();
  cpSync(SAMPLE, project.handlersDir, { recursive: true });
  cpSync(CONFIG, join(project.rootDir, "handlers.config.ts"));
  const users = [
    await printed("runtime", "serve"),
    await printed("admin", "provision"),
    await printed("operator", "operate"),
    `{ user: publisher, password: secret, permissions {
       publish: ["todo.newitem", "todo.list"], subscribe: ["${inboxOf("publisher")}.>"] } }`,
  ];
  server = await startTestServer({ config: `authorization { users: [\n${users.join("\n")}\n] }` });
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  const start = (user: User, ...args: string[]) =>
    startCli(["start", ...args], {
      cwd: project.rootDir,
      env: { ...environmentOf(user), HANDLERS_HTTP_PORT: `${port}` },
    });
  const provisioning = start("admin", "--provision");
  await provisioning.printed(/"event":"runtime.ready"/);
  await stopped(provisioning);
  runtime = start("runtime");
  await runtime.printed(/"event":"runtime.ready"/);
});

afterAll(async () => {
  await stopped(runtime);
  await server.stop();
  project.end();
  await noneLeft(before);
});

describe("the permissions that are printed", () => {
  it("serve the sample: an item is saved, told of, tidied and listed", async () => {
    const publisher = await client("publisher");
    publisher.publish("todo.newitem", JSON.stringify({ id: MILK, item: "  skimmed   milk " }));
    type Listed = { items: { mutatedAtMs: number | null }[] };
    const items = async () => (await publisher.request("todo.list", "")).json<Listed>().items;
    let listed = await items();
    // `mutate` works on its own time: asking again is how anybody finds out.
    while (listed[0]?.mutatedAtMs == null) listed = await items();
    expect(listed).toMatchObject([{ id: MILK, item: "Skimmed milk" }]);
    await publisher.drain();
    await runtime.printed(/saw todo\.itemsaved/);
  });

  it("let an operator look, and turn a handler off and on", async () => {
    const { handlers } = await jsonAs<{ handlers: { name: string; state: string }[] }>("operator", "status");
    expect(handlers.map(({ name, state }) => `${name} ${state}`)).toEqual(
      ["todo/audit", "todo/list", "todo/mutate", "todo/save"].map((name) => `${name} serving`),
    );
    expect(await jsonAs("operator", "disable", "todo/mutate")).toMatchObject({
      ok: true,
      handlers: [{ name: "todo/mutate", pending: 0 }],
    });
    expect(await jsonAs("operator", "enable", "todo/mutate")).toMatchObject({ ok: true });
    expect(await as("operator", "inspect", "todo/save")).toMatchObject({ code: 0, stderr: "" });
    expect((await as("operator", "logs", "-n", "500")).stdout).toContain("saw todo.newitem");
    expect(await jsonAs("operator", "reload", "todo/list")).toMatchObject({ ok: true });
    expect(await jsonAs("operator", "invoke", "todo/list")).toMatchObject({ outcome: "returned" });
    expect(await jsonAs("operator", "unclaimed")).toMatchObject({ streams: ["TODO"], unclaimed: [] });
    expect(await jsonAs("operator", "prune")).toMatchObject({ durables: [] });
    expect((await (await fetch(metricsUrl)).text()).match(/^handlers_pending_messages.*$/gm)).toHaveLength(2);
  });

  it("keep what fails as a dead letter, which an operator reads, sends again and removes", async () => {
    const publisher = await client("publisher");
    publisher.publish("todo.newitem", JSON.stringify({ id: "not an id", item: "eggs" }));
    await publisher.drain();
    await runtime.printed(/is kept: `handlers dlq show 1`/);
    expect(await jsonAs("operator", "dlq", "list")).toMatchObject([{ id: 1, handler: "todo/save", reason: "invalid" }]);
    expect(await jsonAs("operator", "dlq", "show", "1")).toMatchObject({ payload: { item: "eggs" } });
    expect(await jsonAs("operator", "dlq", "redrive", "1")).toMatchObject({ redriven: 1 });
    // It fails again, and is kept again.
    let letters: unknown[] = [];
    while (letters.length === 0) letters = await jsonAs("operator", "dlq", "list");
    expect(letters).toMatchObject([{ id: 2, redriven: 1 }]);
    expect(await jsonAs("operator", "dlq", "purge", "--yes")).toMatchObject({ purged: 1 });
  });

  it("were enough: the server has refused nothing, and nobody has complained", () => {
    for (const user of ["runtime", "admin", "operator", "publisher"] as const) expect(refusals(user)).toEqual([]);
    expect(runtime.text()).not.toMatch(/"level":"(warn|error)".*(ermission|NATS_REFUSED)/);
  });
});
