// The worker process: boots warm, is told once which handler it is, runs its deliveries, and ends with its supervisor.

import inspector from "node:inspector";
import { Socket } from "node:net";
import { mostRequests } from "../wire/call-frame.ts";
import {
  FrameReader,
  FrameType,
  jsonBody,
  type LoadRequest,
  type StartRequest,
  WORKER_SOCKET_FD,
} from "../wire/protocol.ts";
import { serializeError } from "../wire/serialize-error.ts";
import { ProcessWatch } from "./aftermath.ts";
import { AskedFor } from "./asked-for.ts";
import { BatchRunner } from "./batch-runner.ts";
import { contractOf } from "./contract.ts";
import { describeMetadata } from "./describe-metadata.ts";
import { Link } from "./link.ts";
import {
  checksOf,
  describeDefault,
  type HandlerFunction,
  type HandlerModule,
  importBundle,
  type LifecycleInfo,
  schemaIn,
} from "./load.ts";
import { createLog } from "./log.ts";
import { ownTelemetry } from "./own-telemetry.ts";
import { ReadPool } from "./read-pool.ts";
import { rehearse } from "./rehearsal.ts";
import { RequestTurns } from "./request-turns.ts";
import { Runner, type RunnerParts, type WorkerDeps } from "./runner.ts";
import { schedulePayloadOf } from "./schedule-payload.ts";

const pool = new ReadPool();
const socket = new Socket({
  fd: WORKER_SOCKET_FD,
  readable: true,
  writable: true,
  onread: { buffer: pool.room, callback: onRead },
});
const link = new Link(socket);
const stopping = new AbortController();
let handlerName = "";
let isShadow = false;
let loaded: HandlerModule = {};
let runner: Runner | BatchRunner | undefined;
let rehearsed: Promise<void> | undefined;
let watch: ProcessWatch | undefined;
let asked: AskedFor | undefined;

const reader = new FrameReader((type, bytes, start, end) => {
  switch (type) {
    case FrameType.deliver:
      return runner?.deliver(bytes, start, end);
    case FrameType.batch:
      return runner instanceof BatchRunner ? runner.begin(bytes.readUInt32BE(start)) : undefined;
    case FrameType.answer:
      return link.answered(
        bytes.readUInt32BE(start),
        bytes.readUInt16BE(start + 4),
        Buffer.from(bytes.subarray(start + 6, end)),
      );
    case FrameType.taken:
      return link.taken(bytes.readUInt32BE(start), bytes.readUInt32BE(start + 4));
    case FrameType.unanswered:
      return link.leaveUnanswered(bytes.toString("utf8", start, end));
    case FrameType.abort:
      return runner?.abort(bytes.readUInt32BE(start), bytes[start + 4] === 1);
    case FrameType.ping:
      return link.send(FrameType.pong, null);
    case FrameType.load:
      return void load(jsonBody<LoadRequest>(bytes, start, end));
    case FrameType.start:
      return void start_(jsonBody<StartRequest>(bytes, start, end));
    case FrameType.inspector:
      return setInspector(bytes.readUInt16BE(start));
    case FrameType.stop:
      return void stop();
    default:
      throw new RangeError(`unknown frame type ${type}`);
  }
});

function onRead(bytes: number): boolean {
  const chunk = pool.take(bytes);
  runner?.beginTurn();
  // What returns at once leaves in one write at the end; what is still running is batched by `schedule`.
  link.together(() => reader.push(chunk));
  if (runner?.holdsBytes !== true) pool.reuse();
  return true;
}
// The supervisor is gone, or has let go of this worker: nothing here can be of use to anyone.
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(0));

// Results that were ready when the process ends are results: the message must not be run again for nothing.
process.on("exit", () => link.flush());

function lifecycleInfo(): LifecycleInfo {
  return { handler: handlerName, shadow: isShadow, signal: stopping.signal, log: createLog(link, () => ({})) };
}

async function load(request: LoadRequest): Promise<void> {
  handlerName = request.handler;
  if (request.shared === true) {
    await rehearsed; // It asks for the time, and who asks is watched from now on.
    asked ??= new AskedFor(process.argv.slice(2));
    watch ??= new ProcessWatch();
  }
  watch?.begin();
  Object.assign(process.env, request.env);
  if (watch === undefined) process.title = `handlers: ${request.handler}`;
  try {
    process.chdir(request.cwd);
    if (request.inspectPort !== undefined) inspector.open(request.inspectPort, "127.0.0.1");
    for (const url of request.preload) await import(url);
    asked?.begin(request.url);
    loaded = await importBundle(request.url);
    const schedulePayload = await schedulePayloadOf(loaded.metadata);
    const aftermath = await watch?.end();
    const outside = asked?.end();
    link.send(FrameType.loaded, {
      metadata: describeMetadata(loaded.metadata),
      defaultExport: describeDefault(loaded.default),
      ...(schedulePayload === undefined ? {} : { schedulePayload }),
      ...(aftermath === undefined ? {} : { aftermath }),
      ...(outside === undefined ? {} : { outside }),
      ...(request.describe === true ? { contract: contractOf(loaded.metadata) } : {}),
    });
  } catch (error) {
    link.send(FrameType.loadFailed, { phase: "import", error: serializeError(error) });
  }
  link.flush();
}

/** Port 0: close. Closing waits for the debugger to let go, so that the next version finds the port free. */
function setInspector(port: number): void {
  if (port === 0) inspector.close();
  else inspector.open(port, "127.0.0.1");
}

async function start_(request: StartRequest): Promise<void> {
  isShadow = request.shadow === true;
  if (request.checksOnly === true) loaded = checksOf(loaded);
  try {
    await loaded.setup?.(lifecycleInfo());
  } catch (error) {
    link.send(FrameType.loadFailed, { phase: "setup", error: serializeError(error) });
    return link.flush();
  }
  const { schema, reply, payload, when, orderBy } = loaded.metadata ?? {};
  const telemetry = ownTelemetry();
  const requests = new RequestTurns(mostRequests(request.concurrency));
  const deps: WorkerDeps = { link, start: request, handler: handlerName, telemetry, requests };
  // An order over all replicas is kept by the consumers, not here.
  const key = typeof orderBy === "function" ? orderBy : undefined;
  const parts = { schema: schemaIn(schema), reply: schemaIn(reply), payload, when, orderBy: key };
  runner = runnerOf(loaded.default!, deps, parts);
  link.send(FrameType.ready, null);
  link.flush();
}

/** A batch has no one message in whose context it could run. */
function runnerOf(handler: HandlerFunction, deps: WorkerDeps, parts: Omit<RunnerParts, "handler">) {
  if (deps.start.batches === true) return new BatchRunner(deps, { handler, ...parts });
  return new Runner(deps, { handler: deps.telemetry?.around(handler) ?? handler, ...parts });
}

async function stop(): Promise<void> {
  stopping.abort(new Error("the worker is stopping"));
  runner?.abortAll(new Error("the worker is stopping"));
  let error: unknown = null;
  try {
    if (runner !== undefined) await loaded.teardown?.(lifecycleInfo());
  } catch (thrown) {
    error = serializeError(thrown);
  }
  link.send(FrameType.stopped, error);
  link.flush();
  socket.end(() => process.exit(0));
}

// The URLs on the command line are loaded before anyone waits for them: the sdk and the schema library are most of
// what a new generation would otherwise pay for. One that is not there is missed by the bundle, with a better message.
const preloaded = await Promise.allSettled(process.argv.slice(2).map((url) => import(url)));
link.send(FrameType.hello, null);
link.flush();
rehearsed = rehearseAll();

/** Whoever has waited for the hello need not wait for this. */
async function rehearseAll(): Promise<void> {
  for (const loaded of preloaded) {
    const url = loaded.status === "fulfilled" ? (loaded.value as { rehearsal?: string }).rehearsal : undefined;
    if (url !== undefined) await rehearse(url).catch(() => undefined); // It would have helped, no more.
  }
}
