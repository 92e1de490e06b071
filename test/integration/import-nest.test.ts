// `handlers import nest`: a project with methods of all shapes; each is asked and told the same as a Nest service and as the handlers
// that were written, by Nest's own client.
// @module-tag any-server

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { headers } from "@nats-io/nats-core";
import { NatsRecordBuilder } from "@nestjs/microservices";
import type { Observable } from "rxjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { run } from "../../runtime/cli/run.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { type NestCaller, nestCaller, startNestModule } from "../support/nest-app.ts";
import { createNestProject, type NestProject } from "../support/nest-project.ts";
import { useStage } from "../support/runtime.ts";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";

const stage = useStage();
const TSC = createRequire(import.meta.url).resolve("typescript-5/bin/tsc");
const CONTROLLERS = ["src/orders.controller.ts", "src/shapes.controller.ts"];
/** As they are told, below the methods' names and places. */
const LEFT: Readonly<Record<string, string>> = {
  "OrdersController.counted": "it uses this.seen, which is a state that the controller's methods share",
  "OrdersController.dynamic":
    'its pattern process.env.ORDERS_SUBJECT ?? "orders.dynamic" is known only while the app runs',
  "OrdersController.handedOn": "it hands its NatsContext (context) on",
  "ShapesController.guarded": "it has @UseGuards(Nobody): have the handler call what that does",
  "ShapesController.intercepted": "it has @UseInterceptors(Nothing): have the handler call what that does",
};

let project: NestProject;
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  project = createNestProject();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  project.end();
});

async function importNest(...args: string[]) {
  const terminal = fakeTerminal({ cwd: project.rootDir });
  const code = await run(["import", "nest", ...args], terminal);
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
}

interface Answer {
  readonly values: readonly unknown[];
  readonly thrown?: unknown;
}

function answerOf(observable: Observable<unknown>): Promise<Answer> {
  const values: unknown[] = [];
  return new Promise((resolve) => {
    observable.subscribe({
      next: (value) => values.push(value),
      error: (thrown) => resolve({ values, thrown }),
      complete: () => resolve({ values }),
    });
  });
}

const LINES = [
  { item: "tea", count: 2 },
  { item: "gold", count: 1 },
];

function traced(data: unknown) {
  const traceHeaders = headers();
  traceHeaders.set("x-trace", "t1");
  return new NatsRecordBuilder(data).setHeaders(traceHeaders).build();
}

/** Each method that is imported, asked or told. */
const REQUESTS: readonly (readonly [pattern: string | Record<string, string>, data: unknown])[] = [
  ["orders.total", { lines: LINES }],
  ["orders.total", { lines: [] }],
  ["orders.total", { lines: [...LINES, ...LINES] }],
  ["orders.half", { lines: LINES }],
  ["orders.id", { id: "a" }],
  ["orders.line", { item: "tea", count: "12" }],
  ["orders.named", { "first-name": "Jo" }],
  ["orders.named", { "first-name": "Jo", last: "Day" }],
  [{ cmd: "sum" }, [1, 2, 3]],
  [{ service: "orders", cmd: "count", version: 2 } as never, [1, 2]],
  ["orders.x.where", { a: 1 }],
  ["orders.headers", {}],
  ["orders.headers", traced({})],
  ["orders.refund", [1, 2]],
  [{ cmd: "audit", level: 2 } as never, { by: "me" }],
  ["orders.nothing", {}],
  ["orders.ping", {}],
  ["shapes.values", 3],
  ["shapes.values", 0],
  ["shapes.later", "a"],
  ["shapes.upper", "abc"],
  ["shapes.order", { id: "a" }],
  ["shapes.named", { name: "n", more: 1 }],
  ["shapes.function", [1, 2]],
];

const EVENTS: readonly (readonly [pattern: string, data: unknown])[] = [
  ["orders.packed", { id: "p" }],
  ["orders.audited", { any: ["thing"] }],
  ["orders.moved", { id: "m" }],
  ["orders.sent", { id: "s" }],
  ["orders.opened", { id: "o" }],
  ["orders.renamed", { from: "a", to: "b" }],
  ["shapes.flow", ["f", "g"]],
];

/** Every answer, and what the events left behind, in the order of its texts. */
async function behaviour(caller: NestCaller) {
  project.clearJournal();
  const answers: Answer[] = [];
  for (const [pattern, data] of REQUESTS) answers.push(await answerOf(caller.sendForAll(pattern, data)));
  for (const [pattern, data] of EVENTS) await caller.emit(pattern, data);
  // The two prices of gold, the events, and the second value of the flow.
  await expect.poll(() => project.journal().length).toBe(EVENTS.length + 3);
  return {
    answers,
    journal: project
      .journal()
      .map((entry) => JSON.stringify(entry))
      .sort(),
  };
}

it("at least four of five methods compile and behave as under Nest; the others are listed with the reasons", async () => {
  const { AppModule } = await project.load("app.module");
  const nest = await startNestModule(stage.server.url, AppModule!);
  const caller = await nestCaller(stage.server.url);
  cleanups.push(() => caller.close());
  const before = await behaviour(caller);
  const failedBefore = await answerOf(caller.sendForAll("shapes.fails", [1, -1, 2]));
  await nest.drain();

  const told = await importNest(...CONTROLLERS);
  expect(told.stderr).toBe("");
  expect(told.code).toBe(1);
  expect(told.stdout).toContain("wrote 26 of 31 methods as handlers, and handlers/_nest.ts");
  const left = [...told.stdout.matchAll(/^✗ (\S+) \(src\/\w+\.controller\.ts:\d+\)\n {4}(.*)$/gm)];
  expect(Object.fromEntries(left.map(([, method, reason]) => [method, reason]))).toEqual(LEFT);

  const checked = spawnSync(process.execPath, [TSC, "-p", project.rootDir], { encoding: "utf8" });
  expect(checked.stdout).toBe("");

  await stage.start({ project });
  expect(await behaviour(caller)).toEqual(before);
  // Nest hides the message of what is no RpcException; we tell it.
  const failed = { values: [1], thrown: { status: "error", message: "below 0", code: 500 } };
  expect(await answerOf(caller.sendForAll("shapes.fails", [1, -1, 2]))).toEqual(failed);
  expect(failedBefore).toMatchObject({ values: [1], thrown: { status: "error" } });
});

it("a handler that Nest's container gives its services runs from a build as well", async () => {
  await importNest("src/orders.controller.ts");
  for (const file of readdirSync(project.handlersDir, { recursive: true, encoding: "utf8" }))
    if (/\.ts$/.test(file) && !["_nest.ts", join("orders", "total.ts")].includes(file)) project.remove(file);
  const built = await runCli(["build"], { cwd: project.rootDir });
  expect(built.code, built.stderr).toBe(0);
  const app = startCli(["start", "--build", "build"], {
    cwd: project.rootDir,
    env: { NATS_URL: stage.server.url },
  });
  cleanups.push(async () => {
    app.child.kill("SIGTERM");
    await app.ended;
  });
  await app.printed(/"event":"runtime\.ready"/);
  const caller = await nestCaller(stage.server.url);
  cleanups.push(() => caller.close());
  const [[pattern, data] = ["", {}]] = REQUESTS;
  expect(await caller.send(pattern, data)).toEqual({ total: 10, currency: "EUR" });
});
