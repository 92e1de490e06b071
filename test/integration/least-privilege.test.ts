// The sample on a nats-server that allows each user what `handlers permissions` prints, and not a subject more.

import { readFileSync } from "node:fs";
import { connect, errors, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

const SAVE = durableNameOf("todo", "todo/save", "todo.newitem");

const MILK = "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01";

/** Asks at the gate before it ends. No declared stream takes its subject. */
const GATED = `
  export const metadata = { subject: "gated.item", kind: "durable", publishes: ["gate"] };
  export default async (n, ctx) => void (await ctx.request("gate", { n, attempt: ctx.attempt }));
`;

/** Runs the last of several. */
const SPACED = `
  export const metadata = { subject: "spaced.item", kind: "durable", singleton: true, debounce: { wait: "300ms" } };
  export default (n, ctx) => ctx.log.info(\`the last is \${n}\`);
`;

/** Has each message in every replica. */
const OWN = `
  export const metadata = { subject: "spaced.item", kind: "durable", replicas: "each", from: "last" };
  export default (n, ctx) => ctx.log.info(\`its own is \${n}\`);
`;

/** Runs by itself, at a rate that holds over all replicas. */
const BEAT = `
  export const metadata = { subject: "beat", schedule: "* * * * * *", rate: { limit: "10/s", per: "fleet" } };
  export default (_event, ctx) => ctx.log.info(\`beat of \${ctx.scheduledFor.toISOString()}\`);
`;

/** Takes what changes in a bucket, at a rate that each key has for itself over all replicas, and keeps something of it. */
const KEPT = `
  const rate = { limit: "10/s", per: "fleet", key: { wildcard: 0 } };
  export const metadata = { kind: "durable", kv: "kept", subject: "profile.*", rate };
  export default async (value, ctx) => {
    const key = await ctx.once("key", () => ctx.key);
    ctx.log.info(\`\${ctx.operation} \${key} \${value}\`);
  };
`;

/** Has buckets, and tells what is in them. */
const KEEPER = `
  export const metadata = { subject: "keep", kind: "request", uses: { kv: ["pantry"], objects: ["pantry"] } };
  export default async (value, ctx) => {
    const [kv, objects] = [ctx.kv("pantry"), ctx.objects("pantry")];
    await kv.put("a", value);
    await kv.update("a", value, (await kv.get("a")).revision);
    await kv.put("b", value);
    await kv.purge("b");
    await objects.put("a", value);
    await objects.put("a", value);
    await objects.put("b", value);
    await objects.delete("b");
    const listed = (await objects.list()).map(({ name }) => name);
    return [await kv.keys(), listed, (await objects.get("a")).json()];
  };
`;

/** Makes a schedule, and takes it away when it has run. */
const PLANNER = `
  export const metadata = { subject: "plan", kind: "request", publishes: ["planned"] };
  export default (n, ctx) => ctx.schedule("plan", "planned", n, { every: "1s" });
`;
const PLANNED = `
  export const metadata = { subject: "planned", kind: "event" };
  export default async (n, ctx) => ctx.log.info(\`planned \${n}, taken away: \${await ctx.unschedule("plan")}\`);
`;

/** Each has inboxes of its own, so that nobody hears the replies to another. */
type User = "runtime" | "admin" | "operator" | "ci" | "publisher";
const inboxOf = (user: User) => `_INBOX_${user}`;

let before: Set<number>;
let project: TestProject;
let server: TestServer;
let runtime: CliProcess;
let port: number;
/** What runtimes before this one have printed. */
let told = "";

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

async function start(user: User, ...args: string[]): Promise<CliProcess> {
  // A story has it give back what it has in hand.
  const drain = user === "runtime" ? { HANDLERS_DRAIN: "0s" } : {};
  const env = { ...environmentOf(user), HANDLERS_HTTP_PORT: `${port}`, ...drain };
  const started = startCli(["start", ...args], { cwd: project.rootDir, env });
  await started.printed(/"event":"runtime.ready"/);
  return started;
}

/** With what exit code, and what it has said. */
function stopped(process: CliProcess) {
  process.child.kill("SIGTERM");
  return process.ended;
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
  project = createProject({
    "gated.js": GATED,
    "spaced.js": SPACED,
    "own.js": OWN,
    "beat.js": BEAT,
    "kept.js": KEPT,
    "keeper.js": KEEPER,
    "planner.js": PLANNER,
    "planned.js": PLANNED,
  });
  project.copySample();
  const users = [
    await printed("runtime", "serve"),
    await printed("admin", "provision"),
    await printed("operator", "operate"),
    await printed("ci", "fleet"),
    `{ user: publisher, password: secret, permissions {
       publish: ["todo.newitem", "todo.list", "gated.item", "spaced.item", "$KV.kept.>", "keep", "plan"], subscribe: ["gate", "${inboxOf("publisher")}.>"]
       allow_responses: true } }`,
  ];
  server = await startTestServer({ config: `authorization { users: [\n${users.join("\n")}\n] }` });
  port = await freePort();
  const provisioning = await start("admin", "--provision");
  expect(await stopped(provisioning)).toMatchObject({ code: 0 });
  runtime = await start("runtime");
});

afterAll(async () => {
  await stopped(runtime); // With 1 where a beat was in hand: it has no time to end.
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

  it("run what has a schedule", async () => {
    await runtime.printed(/beat of 20/);
  });

  it("take what changes in a bucket", async () => {
    const publisher = await client("publisher");
    publisher.publish("$KV.kept.profile.1", "7");
    await publisher.drain();
    await runtime.printed(/put profile\.1 7/);
  });

  it("run the last message of several", async () => {
    const publisher = await client("publisher");
    for (const n of [1, 2, 3]) await publisher.request("spaced.item", `${n}`);
    await publisher.drain();
    await runtime.printed(/the last is 3/);
    for (const n of [1, 2, 3]) await runtime.printed(new RegExp(`its own is ${n}`));
  });

  it("let a handler use its buckets", async () => {
    const publisher = await client("publisher");
    expect((await publisher.request("keep", "7", { timeout: 30_000 })).json()).toEqual([["a"], ["a"], 7]);
    await publisher.drain();
  });

  it("let a handler make schedules, have them run, and take them away", async () => {
    const publisher = await client("publisher");
    await publisher.request("plan", "7", { timeout: 30_000 });
    await publisher.drain();
    await runtime.printed(/planned 7, taken away: true/);
    expect(await jsonAs("operator", "scheduled", "list")).toMatchObject({ messages: [], schedules: [] });
    expect(await as("operator", "scheduled", "cancel", "--key", "plan")).toMatchObject({ code: 0 });
  });

  it("let an operator look at everything", async () => {
    const { handlers } = await jsonAs<{ handlers: { name: string; state: string }[] }>("operator", "status");
    expect(handlers.map(({ name, state }) => `${name} ${state}`)).toEqual(
      [
        "beat",
        "gated",
        "keeper",
        "kept",
        "own",
        "planned",
        "planner",
        "spaced",
        "todo/audit",
        "todo/list",
        "todo/mutate",
        "todo/save",
      ].map((name) => `${name} serving`),
    );
    expect(await as("operator", "inspect", "todo/save")).toMatchObject({ code: 0, stderr: "" });
    expect((await as("operator", "logs", "-n", "500")).stdout).toContain("saw todo.newitem");
    expect(await jsonAs("operator", "unclaimed")).toMatchObject({
      streams: ["TODO", "TODO_GATED", "TODO_SPACED"],
      unclaimed: [],
    });
    expect(await jsonAs("operator", "prune")).toMatchObject({ durables: [] });
    expect(await jsonAs("operator", "prune", "--versions")).toMatchObject({ versions: [], silent: [] });
    const { handlers: stored } = await jsonAs<{ handlers: { handler: string }[] }>(
      "operator",
      "describe",
      "--stored",
      "10",
    );
    expect(stored).toEqual(
      ["gated", "kept", "own", "spaced", "todo/mutate", "todo/save"].map((handler) =>
        expect.objectContaining({ handler, refused: 0 }),
      ),
    );
    expect(
      (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).match(/^handlers_pending_messages.*$/gm),
    ).toHaveLength(5);
  });

  it("let the comparison with all that runs be made", async () => {
    expect(await jsonAs("ci", "describe", "--check", "--fleet")).toEqual({
      apps: ["todo"],
      unknown: [],
      silent: [],
      breaks: [],
    });
  });

  it("let an operator turn a handler off and on, reload it and run it by hand", async () => {
    expect(await jsonAs("operator", "disable", "todo/mutate")).toMatchObject({
      ok: true,
      handlers: [{ name: "todo/mutate", pending: 0 }],
    });
    expect(await jsonAs("operator", "enable", "todo/mutate")).toMatchObject({ ok: true });
    expect(await jsonAs("operator", "reload", "todo/list")).toMatchObject({ ok: true });
    expect(await jsonAs("operator", "invoke", "todo/list")).toMatchObject({ outcome: "returned" });
    const { running, unsaid } = await jsonAs<{ running: { handler: string }[]; unsaid: number }>("operator", "running");
    // What has a schedule may run just then.
    expect([running.filter(({ handler }) => handler !== "beat"), unsaid]).toEqual([[], 0]);
  });

  it("keep what fails as a dead letter, which an operator reads, sends again and removes", async () => {
    const publisher = await client("publisher");
    publisher.publish("todo.newitem", JSON.stringify({ id: "not an id", item: "eggs" }));
    await publisher.drain();
    await runtime.printed(/is kept: `handlers dlq show 1`/);
    expect(await jsonAs("operator", "dlq", "list")).toMatchObject({
      letters: [{ id: 1, handler: "todo/save", reason: "invalid" }],
    });
    expect(await jsonAs("operator", "dlq", "show", "1")).toMatchObject({ payload: { item: "eggs" } });
    expect(await jsonAs("operator", "dlq", "redrive", "1")).toMatchObject({ redriven: 1 });
    // It fails again, and is kept again.
    const letters = async () => (await jsonAs<{ letters: unknown[] }>("operator", "dlq", "list")).letters;
    let left = await letters();
    while (left.length === 0) left = await letters();
    expect(left).toMatchObject([{ id: 2, redriven: 1 }]);
    expect(await jsonAs("operator", "dlq", "purge", "--yes")).toMatchObject({ purged: 1 });
  });

  it("let an operator have stored messages run again", async () => {
    const replayed = () => jsonAs<object>("operator", "replay", "todo/save", "--from", "1", "--limit", "1");
    expect(await replayed()).toMatchObject({ sent: 1, before: 0 });
    await expect.poll(replayed).toMatchObject({ sent: 0, before: 1, waiting: 0 });
  });

  it("let a replica give back what it has in hand, and the next one take it uncharged", async () => {
    const publisher = await client("publisher");
    const gate = publisher.subscribe("gate")[Symbol.asyncIterator]();
    const arrived = async () => (await gate.next()).value as Msg;
    publisher.publish("gated.item", "7");
    expect((await arrived()).json()).toEqual({ n: 7, attempt: 1 });
    const first = runtime;
    first.child.kill("SIGTERM");
    await first.ended;
    told += first.text();
    runtime = await start("runtime");
    const again = await arrived();
    expect(again.json()).toEqual({ n: 7, attempt: 1 });
    again.respond("null");
    await publisher.drain();
  });

  it("were enough: the server has refused nothing, and nobody has complained", () => {
    for (const user of ["runtime", "admin", "operator", "ci", "publisher"] as const) expect(refusals(user)).toEqual([]);
    expect(told + runtime.text()).not.toMatch(/"level":"(warn|error)".*(ermission|NATS_REFUSED|charged)/);
  });
});

describe("what is not granted is refused by the server", () => {
  /** The subjects that the server refused in one go, as the client is told. */
  async function refusedTo(user: User, act: (connection: NatsConnection) => void): Promise<string[]> {
    const connection = await client(user);
    const refused: string[] = [];
    const listening = (async () => {
      for await (const { type, ...status } of connection.status()) {
        if (type !== "error") continue;
        const { error } = status as { error: Error };
        if (error instanceof errors.PermissionViolationError) refused.push(`${error.operation} ${error.subject}`);
      }
    })();
    act(connection);
    await connection.flush();
    await connection.close();
    await listening;
    return refused;
  }

  const subscribe = (connection: NatsConnection, subject: string, queue?: string) =>
    void connection.subscribe(subject, { ...(queue === undefined ? {} : { queue }), callback: () => undefined });

  it("to the runtime: other subjects, other queue groups, other streams, making any, commanding itself", async () => {
    const subjects = [
      "todo.newitem",
      "orders.created",
      "_HANDLERS.todo.reload",
      "_INBOX_publisher.x",
      "$JS.API.STREAM.MSG.GET.ORDERS",
      `$JS.API.CONSUMER.CREATE.ORDERS.${SAVE}.todo.newitem`,
      `$JS.API.CONSUMER.CREATE.TODO.${SAVE}.todo.itemsaved`,
      "$JS.API.STREAM.CREATE.DLQ_todo",
      "$JS.API.STREAM.DELETE.TODO",
      "$JS.ACK.TODO.shop-save.1.1.1.1.0",
      "$KV.shop_handlers.save",
      "$KV.others.a",
      "$O.others.M.a",
      "$JS.API.STREAM.MSG.GET.KV_others",
      "$JS.API.STREAM.CREATE.KV_kept",
    ];
    const publishing = await refusedTo("runtime", (connection) => {
      for (const subject of subjects) connection.publish(subject, "{}");
    });
    expect(publishing).toEqual(subjects.map((subject) => `publish ${subject}`));
    const subscribing = await refusedTo("runtime", (connection) => {
      for (const subject of ["orders.>", "todo.list", "_INBOX_operator.>", "dlq.todo.>"])
        subscribe(connection, subject);
      subscribe(connection, "todo.list", "another");
    });
    const wanted = ["orders.>", "todo.list", "_INBOX_operator.>", "dlq.todo.>", "todo.list"];
    expect(subscribing.map((line) => line.split(" ")[1])).toEqual(wanted);
  });

  it("to an operator: sending messages to handlers, and changing the app's streams", async () => {
    const subjects = [
      "todo.newitem",
      "$JS.API.STREAM.DELETE.TODO",
      "$JS.API.STREAM.UPDATE.TODO",
      "$KV.shop_handlers.x",
    ];
    const refused = await refusedTo("operator", (connection) => {
      for (const subject of subjects) connection.publish(subject, "{}");
    });
    expect(refused).toEqual(subjects.map((subject) => `publish ${subject}`));
  });

  it("to who compares: commands, of the own app and of others", async () => {
    const subjects = ["todo.newitem", "_HANDLERS.todo.invoke", "_HANDLERS.shop.reload", "$KV.todo_handlers.x"];
    const refused = await refusedTo("ci", (connection) => {
      for (const subject of subjects) connection.publish(subject, "{}");
    });
    expect(refused).toEqual(subjects.map((subject) => `publish ${subject}`));
  });

  it("and `handlers describe --fleet` says so", async () => {
    const asked = await as("publisher", "describe", "--check", "--fleet");
    expect(asked).toMatchObject({ code: 3, stdout: "" });
    expect(asked.stderr).toContain('NATS_REFUSED: this connection may not publish to "$SRV.PING"');
  });

  it("and `handlers send` says so", async () => {
    const sent = await as("operator", "send", "todo.newitem", "{}");
    expect(sent).toMatchObject({ code: 3, stdout: "" });
    expect(sent.stderr).toContain('NATS_REFUSED: this connection may not publish to "todo.newitem"; nothing was sent');
  });

  it("to a publisher: everything that has to do with the runtime", async () => {
    const subjects = ["_HANDLERS.todo.status", "$JS.API.STREAM.NAMES", "redrive.todo.todo.save", "$KV.todo_handlers.x"];
    const refused = await refusedTo("publisher", (connection) => {
      for (const subject of subjects) connection.publish(subject, "{}");
      subscribe(connection, "todo.itemsaved");
    });
    expect(refused).toEqual([...subjects.map((subject) => `publish ${subject}`), "subscription todo.itemsaved"]);
  });
});
