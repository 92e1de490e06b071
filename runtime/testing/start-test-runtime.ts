// The real runtime for tests: as `start` runs it from the sources, on a nats-server of its own.

import { resolve } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type {
  startTestRuntime as Declared,
  TestDeadLetter,
  TestRuntimeOptions,
  TestSchedule,
} from "../../sdk/testing.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Runtime } from "../compose/runtime-options.ts";
import { startRuntime } from "../compose/start.ts";
import { loadConfig } from "../config/load.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { Backlog } from "../control/backlog.ts";
import { DeadLetterBox } from "../dead-letters/dead-letter-box.ts";
import { describeError, RuntimeError } from "../errors.ts";
import { LaterBox } from "../later/later-box.ts";
import { managerOf } from "../nats/jetstream.ts";
import { TimetableBox } from "../schedule/timetable-box.ts";
import { type AdvanceDeps, advance } from "./advance.ts";
import { durationMs } from "./duration-option.ts";
import { Heard } from "./heard.ts";
import { idle } from "./idle.ts";
import { testScheduleOf } from "./memory-schedules.ts";
import { MovedClock } from "./moved-clock.ts";
import { ACKS, PutOffMessages } from "./put-off-messages.ts";
import { readBytes } from "./read-bytes.ts";
import { MIDDLE_OF_SPREAD } from "./report.ts";
import { publish, request } from "./test-client.ts";
import { startTestServer } from "./test-server.ts";

const IDLE_MS = 10_000;
const CLOSE_GRACE_MS = 1_000;

/** See `startTestRuntime` of sdk/testing.ts. */
export const startTestRuntime: typeof Declared = async (options = {}) => {
  const clock = systemClock;
  const closers: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const stated = await configOf(options);
    const server = await startTestServer(clock);
    closers.push(() => server.close());
    // Nobody rolls back in a test: its server has what the test makes, and no more.
    const config = { ...stated, nats: { ...stated.nats, servers: [server.url] }, keepVersions: 0 };
    const client = await connect({ servers: server.url, name: "test" });
    closers.push(() => client.close());
    const moved = new MovedClock(clock);
    const putOffs = await hearPutOffs(client, clock, moved);
    const heard = new Heard();
    const failures: RuntimeError[] = [];
    let activity = 0;
    const runtime: Runtime = await startRuntime({
      config,
      mode: "start",
      provision: true,
      clock,
      serverClock: moved,
      retrySpread: () => MIDDLE_OF_SPREAD,
      environment: { ...process.env, ...options.env },
      onProgress: () => {},
      emit(event) {
        activity++;
        heard.event(event);
        if (event.type === "handler.failed") failures.push(event.error);
      },
      onCall(call) {
        activity++;
        heard.call(call);
      },
    });
    closers.push(() => runtime.close(CLOSE_GRACE_MS));
    if (failures.length > 0) throw cannotServe(failures);
    const { connection, status } = runtime;
    const box = new DeadLetterBox(client, config.app);
    const timetable = new TimetableBox(client, config.app);
    const deps = {
      client,
      connection,
      backlog: new Backlog(client, config.app),
      clock,
      status,
      activity: () => activity,
      app: config.app,
      jsm: await managerOf(client),
      moved,
      putOffs,
      timetable,
      later: new LaterBox(client, config.app, clock),
    } satisfies AdvanceDeps;
    const limitMs = (timeout: string | undefined) => (timeout === undefined ? IDLE_MS : durationMs("timeout", timeout));
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= closeAll();
      return closing;
    };
    return {
      url: server.url,
      publish: (target: never, data: unknown, how) => publish(client, target, data, how),
      request: async (target, data, how) => (await request(client, target, data, how)) as never,
      idle: ({ timeout } = {}) => idle(deps, limitMs(timeout)),
      advance: async (by, { timeout } = {}) => advance(deps, durationMs("advance", by), limitMs(timeout)),
      published: (target) => heard.messagesOf("publish", target),
      requested: (target) => heard.messagesOf("request", target),
      logs: (handler) => heard.linesOf(handler),
      schedules: () => schedulesIn(timetable),
      deadLetters: () => lettersIn(box),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
};

/** From now on. */
async function hearPutOffs(client: NatsConnection, machine: Clock, moved: MovedClock): Promise<PutOffMessages> {
  const putOffs = new PutOffMessages({ client, machine, nowMs: () => moved.nowMs() });
  client.subscribe(ACKS, { callback: (_, message) => putOffs.hear(message.subject, message.string()) });
  await client.flush();
  return putOffs;
}

function configOf({ root = ".", handlers, only, config }: TestRuntimeOptions): Promise<ResolvedConfig> {
  const flags = { handlers, only: only?.join(",") };
  return loadConfig({ rootDir: resolve(root), mode: "start", flags, env: {}, configPath: undefined, value: config });
}

function cannotServe(failures: readonly RuntimeError[]): Error {
  const [first] = failures;
  const text = failures.map(describeError).join("\n\n");
  return new RuntimeError(first!.code, text, { cause: first });
}

async function schedulesIn(timetable: TimetableBox): Promise<Readonly<Record<string, TestSchedule>>> {
  const made = await timetable.list();
  return Object.fromEntries(
    made.map(({ key, target: subject, content, times, missed }) => [
      key,
      testScheduleOf({ subject, ...content, times, missed }),
    ]),
  );
}

async function lettersIn(box: DeadLetterBox): Promise<TestDeadLetter[]> {
  const letters = [];
  for (const { id, handler, subject, reason, message, attempts } of await box.list()) {
    const details = await box.show(id);
    letters.push({
      id,
      handler,
      subject,
      reason,
      message,
      attempts,
      data: readBytes(details?.data ?? new Uint8Array(0)),
    });
  }
  return letters.reverse();
}
