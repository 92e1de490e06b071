// The real runtime for tests: as `start` runs it from the sources, on a nats-server of its own.

import { resolve } from "node:path";
import { connect } from "@nats-io/transport-node";
import type { startTestRuntime as Declared, TestDeadLetter, TestRuntimeOptions } from "../../sdk/testing.ts";
import { systemClock } from "../clock.ts";
import type { Runtime } from "../compose/runtime-options.ts";
import { startRuntime } from "../compose/start.ts";
import { loadConfig } from "../config/load.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { Backlog } from "../control/backlog.ts";
import { DeadLetterBox } from "../dead-letters/dead-letter-box.ts";
import { describeError, RuntimeError } from "../errors.ts";
import { durationMs } from "./duration-option.ts";
import { Heard } from "./heard.ts";
import { idle } from "./idle.ts";
import { readBytes } from "./observed.ts";
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
    const heard = new Heard();
    const failures: RuntimeError[] = [];
    let activity = 0;
    const runtime: Runtime = await startRuntime({
      config,
      mode: "start",
      provision: true,
      clock,
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
    const deps = {
      client,
      connection,
      backlog: new Backlog(client, config.app),
      clock,
      status,
      activity: () => activity,
    };
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= closeAll();
      return closing;
    };
    return {
      url: server.url,
      publish: (target: never, data: unknown, how) => publish(client, target, data, how),
      request: async (target, data, how) => (await request(client, target, data, how)) as never,
      idle: ({ timeout } = {}) => idle(deps, timeout === undefined ? IDLE_MS : durationMs("timeout", timeout)),
      published: (target) => heard.messagesOf("publish", target),
      requested: (target) => heard.messagesOf("request", target),
      logs: (handler) => heard.linesOf(handler),
      deadLetters: () => lettersIn(box),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
};

function configOf({ root = ".", handlers, only, config }: TestRuntimeOptions): Promise<ResolvedConfig> {
  const flags = { handlers, only: only?.join(",") };
  return loadConfig({ rootDir: resolve(root), mode: "start", flags, env: {}, configPath: undefined, value: config });
}

function cannotServe(failures: readonly RuntimeError[]): Error {
  const [first] = failures;
  const text = failures.map(describeError).join("\n\n");
  return new RuntimeError(first!.code, text, { cause: first });
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
