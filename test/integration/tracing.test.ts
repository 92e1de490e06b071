// OpenTelemetry, registered as a user does it: spans of every run and of everything published, in one trace.
// @module-tag any-server

import { readFileSync } from "node:fs";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { connectClient, type Headers, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { type SpanFile, type WrittenSpan, writeTracing } from "../support/span-file.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PUBLISHER = "b7ad6b7169203331";
const CONTEXT: Headers = {
  traceparent: [`00-${TRACE}-${PUBLISHER}-01`],
  tracestate: ["vendor=1"],
  baggage: ["user=7"],
};
const ERROR = { code: SpanStatusCode.ERROR };
const UNSET = { code: SpanStatusCode.UNSET };

let server: TestServer;
let client: TestClient;
let project: TestProject;
let spans: SpanFile;
let running: CliProcess | undefined;
let before: ReadonlySet<number>;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

beforeEach(async () => {
  before = childProcesses();
  client = await connectClient(server.url);
  project = createProject();
  spans = writeTracing(project);
});

afterEach(async () => {
  await stop();
  await client.connection.close();
  project.end();
  await noneLeft(before);
});

async function start(...args: string[]): Promise<CliProcess> {
  running = startCli(["start", ...args], { cwd: project.rootDir, env: { NATS_URL: server.url, ...spans.env } });
  await running.printed(/"event":"runtime.ready"/);
  return running;
}

/** End the runtime, and see what it has exported by then. */
async function stop(): Promise<WrittenSpan[]> {
  running?.child.kill("SIGTERM");
  const ended = await running?.ended;
  running = undefined;
  if (ended !== undefined) expect(ended.code).toBe(0);
  return spans.read();
}

const named = (all: readonly WrittenSpan[], name: string) => all.filter((span) => span.name === name);

it("one trace crosses publisher, save, mutate, its retry and its dead letter, and goes on when that is redriven", async () => {
  project.copySample();
  const mutate = readFileSync(project.path("todo/mutate.ts"), "utf8")
    .replace(/retry: .*/, 'retry: { attempts: 2, backoff: "10ms" },')
    .replace("const mutated =", 'throw new Error("cannot reach postgres://app:hunter2@db");\n  const mutated =');
  project.write("todo/mutate.ts", mutate);
  const app = await start("--provision");
  await app.printed(/tracing: spans go to the tracer provider/);
  const item = { id: "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01", item: "milk" };
  client.publish("todo.newitem", item, CONTEXT);
  await app.printed(/"settled":"will be kept as a dead letter"/);
  const box = new DeadLetterBox(client.connection, "todo");
  while ((await box.list()).length === 0) await client.flush();
  const letter = (await box.show(1))!;
  const redriven = await runCli(["dlq", "redrive", "1"], { cwd: project.rootDir, env: { NATS_URL: server.url } });
  expect(redriven.code).toBe(0);
  await app.printed(/("settled":"will be kept as a dead letter"[\s\S]*){2}/);
  const all = await stop();

  const [saved] = named(all, "process todo.newitem");
  const [sent] = named(all, "publish todo.itemsaved");
  const [first, second, third, fourth] = named(all, "process todo.itemsaved");
  expect(saved).toMatchObject({ kind: SpanKind.CONSUMER, parentId: PUBLISHER, status: UNSET });
  expect(saved!.attributes).toEqual({
    "messaging.system": "nats",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": "todo.newitem",
    "messaging.destination.template": "todo.newitem",
    "messaging.consumer.group.name": expect.stringMatching(/^todo-todo-save-[0-9a-f]{8}$/),
    "messaging.message.id": expect.stringMatching(/^TODO:1:\d{13}$/),
    "messaging.message.body.size": JSON.stringify(item).length,
    "handlers.handler": "todo/save",
    "handlers.version": expect.stringMatching(/^[0-9a-f]{12}$/),
    "handlers.attempt": 1,
    "handlers.outcome": "returned",
  });
  expect(sent).toMatchObject({ kind: SpanKind.PRODUCER, parentId: saved!.spanId, status: UNSET });
  expect(sent!.attributes).toEqual({
    "messaging.system": "nats",
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
    "messaging.destination.name": "todo.itemsaved",
    "messaging.message.id": expect.stringMatching(/^todo\/save:TODO:1:\d{13}:1:todo\.itemsaved$/),
    "messaging.message.body.size": JSON.stringify({ id: item.id }).length,
  });
  for (const [at, attempt] of [first, second].entries()) {
    expect(attempt).toMatchObject({ parentId: sent!.spanId, status: ERROR });
    const about = { "handlers.attempt": at + 1, "error.type": "threw", "handlers.outcome": "threw" };
    expect(attempt!.attributes).toMatchObject(about);
    expect(attempt!.exceptions).toMatchObject([{ "exception.message": "cannot reach postgres://***@db" }]);
  }
  // `todo/audit` hears both messages.
  expect(
    named(all, "process todo.>")
      .map(({ parentId }) => parentId)
      .sort(),
  ).toEqual([PUBLISHER, sent!.spanId].sort());

  const headers = Object.fromEntries(letter.headers);
  expect(headers).toMatchObject({ traceparent: `00-${TRACE}-${second!.spanId}-01`, tracestate: "vendor=1" });
  expect(headers).toMatchObject({ baggage: "user=7" });
  expect([third, fourth].map((span) => span?.parentId)).toEqual([second!.spanId, second!.spanId]);
  expect(all.map(({ traceId }) => traceId)).toEqual(all.map(() => TRACE));
  expect(JSON.stringify(all)).not.toContain("hunter2");
});

it("a message without a trace begins one, and every line about it carries its id", async () => {
  project.write(
    "ask.js",
    `export const metadata = { subject: "ask.*", kind: "request" };
     export default async (_, ctx) => {
       ctx.log.info("asked");
       await ctx.request("nobody.there");
     };`,
  );
  const app = await start();
  expect(await client.ask("ask.me")).toMatchObject({ code: 500 });
  const [logged] = await app.printed(/.*"msg":"asked".*/);
  const [failed] = await app.printed(/.*"event":"delivery.failed".*/);
  const [request, run] = await stop();
  expect(run).toMatchObject({ name: "process ask.*", status: ERROR });
  expect(run!.parentId).toBeUndefined();
  expect(run!.attributes).toMatchObject({ "messaging.destination.name": "ask.me" });
  expect(run!.attributes).toMatchObject({ "messaging.consumer.group.name": "shop.ask" });
  expect(request).toMatchObject({ name: "request nobody.there", parentId: run!.spanId, status: ERROR });
  expect(request!.attributes).toMatchObject({ "error.type": "503" });
  expect([logged, failed].map((line) => JSON.parse(line!).traceId)).toEqual([run!.traceId, run!.traceId]);
});

it("the run of a handler that loops has its span, and those cut short by it are no errors", async () => {
  project.write(
    "loops.js",
    `export const metadata = { subject: "loops", timeout: "300ms", concurrency: 3 };
     export default async (n, ctx) => {
       await null;
       while (n === 2) {}
       await ctx.publish("looped", n);
     };`,
  );
  await start();
  const done = await client.collect<number>("looped");
  for (const n of [2, 1, 3]) client.publish("loops", n);
  await done.until(2);
  const all = await stop();
  const outcomes = named(all, "process loops").map(({ attributes, status }) => [
    attributes["messaging.message.id"],
    attributes["handlers.outcome"],
    status.code,
  ]);
  const ids = [...new Set(outcomes.map(([id]) => id))];
  expect(ids).toHaveLength(3);
  const of = (wanted: string) => outcomes.filter(([, outcome]) => outcome === wanted);
  expect(of("timed-out")).toMatchObject([[expect.stringMatching(/\.1$/), "timed-out", SpanStatusCode.ERROR]]);
  expect(of("returned").map(([, , code]) => code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
  // All three at first: which of them blocked the worker is not known before each has run alone.
  expect(of("given-back").map(([id, , code]) => [id, code])).toEqual(ids.map((id) => [id, SpanStatusCode.UNSET]));
});

it("spans of the author's lie below the run, and what is published within them below those", async () => {
  project.write(
    "works.js",
    `import { trace } from "@opentelemetry/api";
     import { provider } from "./_tracing.js";
     export const metadata = { subject: "works" };
     export const teardown = () => provider.forceFlush();
     const tracer = trace.getTracer("works");
     export default (_, ctx) =>
       tracer.startActiveSpan("query", async (span) => {
         await new Promise((done) => setImmediate(done));
         await ctx.publish("worked", 1);
         span.end();
       });`,
  );
  await start();
  const worked = await client.collect("worked");
  client.publish("works", 1, CONTEXT);
  client.publish("works", 2);
  await worked.until(2);
  const all = await stop();
  expect(all).toHaveLength(6);
  for (const run of named(all, "process works")) {
    const query = all.find(({ name, parentId }) => name === "query" && parentId === run.spanId);
    const sent = all.find(({ name, parentId }) => name === "publish worked" && parentId === query?.spanId);
    expect([query, sent].map((span) => span?.traceId)).toEqual([run.traceId, run.traceId]);
  }
  const headersOf = (at: number) => worked.messages[at]!.headers?.keys();
  expect(worked.messages[0]!.headers?.get("baggage")).toBe("user=7");
  expect(headersOf(0)).toEqual(["Handlers-Hops", "traceparent", "tracestate", "baggage"]);
  expect(headersOf(1)).toEqual(["Handlers-Hops", "traceparent"]);
});
