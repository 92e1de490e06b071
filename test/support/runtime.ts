// A real runtime in a temporary project against a real nats-server, and what it tells.

import { transform } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { hold, letGo } from "../../runtime/bundle/esbuild-process.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import type { Runtime } from "../../runtime/compose/runtime-options.ts";
import { startRuntime } from "../../runtime/compose/start.ts";
import { resolveConfig } from "../../runtime/config/resolve.ts";
import { describeError } from "../../runtime/errors.ts";
import type { RuntimeEvent } from "../../runtime/events.ts";
import type { HandlerStatus } from "../../runtime/supervise/handler-status.ts";
import type { UserConfig } from "../../sdk/define-config.ts";
import { connectClient, type TestClient } from "./client.ts";
import { eventRecorder, type Told } from "./event-recorder.ts";
import { startTestServer, type TestServer } from "./nats-server.ts";
import { childProcesses, noneLeft } from "./processes.ts";
import { createProject, type TestProject } from "./project.ts";

/** One fewer than in life: each costs every test a process that it hardly ever needs. */
const WARM_WORKERS = 1;

type Kind = RuntimeEvent["type"];
/** The fields the event must have, or a question about it. */
export type Match<T extends Kind> = Partial<Told<T>> | ((event: Told<T>) => boolean);

export interface TestRuntime {
  readonly project: TestProject;
  readonly runtime: Runtime;
  readonly events: readonly RuntimeEvent[];
  /** A place in the events, to look from later. */
  mark(): number;
  /** The first event that matches, from now on or since `from`. */
  next<T extends Kind>(type: T, match?: Match<T>, from?: number): Promise<Told<T>>;
  /** Do something, and await the event that follows from it. */
  after<T extends Kind>(act: () => unknown, type: T, match?: Match<T>): Promise<Told<T>>;
  /** Every event of a type since `from`. */
  told<T extends Kind>(type: T, from?: number): Told<T>[];
  /** Throws when there is no handler of that name. */
  status(handler: string): HandlerStatus;
  close(graceMs?: number): Promise<readonly string[]>;
}

export interface StartOptions {
  /** What lies in `handlers/`, name to text; or a project that is there already. */
  readonly handlers?: Readonly<Record<string, string>>;
  readonly project?: TestProject;
  readonly config?: UserConfig;
  readonly mode?: "dev" | "start";
  readonly environment?: Readonly<Record<string, string>>;
  /** The system's unless given. */
  readonly clock?: Clock;
}

export interface Stage {
  readonly server: TestServer;
  readonly client: TestClient;
  start(options: StartOptions): Promise<TestRuntime>;
}

/**
 * Call it at the top of a test file. After each test its runtimes are closed, and no process of theirs may be left.
 * `keepsEsbuild`: one esbuild serves all runtimes of the file; otherwise it starts and ends with them, as in life.
 */
export function useStage(serverConfig?: string, { keepsEsbuild = true } = {}): Stage {
  const cleanups: (() => unknown)[] = [];
  let server: TestServer;
  let client: TestClient;
  let before: ReadonlySet<number>;
  beforeAll(async () => {
    if (keepsEsbuild) await holdEsbuild();
    server = await startTestServer(serverConfig === undefined ? {} : { config: serverConfig });
  });
  beforeEach(async () => {
    before = childProcesses();
    client = await connectClient(server.url);
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await client.connection.close();
    await noneLeft(new Set([...before, server.pid])); // A test may have restarted it.
  });
  afterAll(async () => {
    await server?.stop();
    if (keepsEsbuild) await letGo();
  });
  return {
    get server() {
      return server;
    },
    get client() {
      return client;
    },
    async start(options) {
      const project = options.project ?? createProject(options.handlers);
      if (options.project === undefined) cleanups.push(() => project.end());
      const app = await startTestRuntime(project, server.url, options);
      cleanups.push(() => app.close(1_000));
      return app;
    },
  };
}

/** And have it run: what is there before a test is not taken for something that the test has left. */
async function holdEsbuild(): Promise<void> {
  hold();
  await transform("");
}

async function startTestRuntime(project: TestProject, url: string, options: StartOptions): Promise<TestRuntime> {
  const { mode = "dev", environment = {}, clock = systemClock } = options;
  const { events, emit, wait } = matchingRecorder();
  const runtime = await startRuntime({
    config: configOf(project, url, mode, options.config ?? {}),
    mode,
    clock,
    emit,
    environment: { PATH: process.env.PATH, ...environment },
    onProgress: () => {},
  });
  return {
    project,
    runtime,
    events,
    mark: () => events.length,
    next: wait,
    async after(act, type, match) {
      const from = events.length;
      await act();
      return wait(type, match, from);
    },
    told: <T extends Kind>(type: T, from = 0) =>
      events.slice(from).filter((event): event is Told<T> => event.type === type),
    status(handler) {
      const found = runtime.status().find(({ name }) => name === handler);
      if (found === undefined) throw new Error(`there is no handler ${handler}`);
      return found;
    },
    close: (graceMs) => runtime.close(graceMs),
  };
}

function matchingRecorder() {
  const { events, emit, next } = eventRecorder();
  return {
    events,
    emit,
    async wait<T extends Kind>(type: T, match: Match<T> = {}, from = events.length): Promise<Told<T>> {
      const late = setTimeout(() => {
        const told = events.slice(from).map((event) => JSON.stringify(event));
        console.error(`still waiting for ${type} ${JSON.stringify(match)}; told since:`, told.slice(-30).join("\n"));
      }, LATE_MS);
      try {
        for (let at = from; ; ) {
          const event = await next(type, at);
          if (matches(event, match)) return event;
          at = events.indexOf(event, at) + 1;
        }
      } finally {
        clearTimeout(late);
      }
    },
  };
}

/** Before the test's own time is over, which does not say what was waited for. */
const LATE_MS = 100_000;

function matches<T extends Kind>(event: Told<T>, match: Match<T>): boolean {
  if (typeof match === "function") return match(event);
  return Object.entries(match).every(([key, value]) => event[key as keyof Told<T>] === value);
}

function configOf(project: TestProject, url: string, mode: "dev" | "start", value: UserConfig) {
  const { rootDir } = project;
  const path = `${rootDir}/handlers.config.ts`;
  return resolveConfig({
    rootDir,
    mode,
    flags: {},
    env: {},
    file: {
      path,
      displayPath: "handlers.config.ts",
      source: "",
      value: { nats: { servers: url }, warmWorkers: WARM_WORKERS, ...value },
      inputs: [],
    },
    packageName: "shop",
    homeDir: rootDir,
    readText: () => undefined,
  });
}

/** As the log shows it: code, message, place, frame and remedy. */
export function shown(event: Told<"handler.failed"> | Told<"delivery.failed">): string {
  return describeError(event.error);
}
