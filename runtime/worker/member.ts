// One handler in a worker's process: told once which one it is, loaded, set up, run, torn down. Most processes have one; those
// of a group have several, each with a link of its own, and what they share is what a process has one of.

import { mostRequests } from "../wire/call-frame.ts";
import { FrameType, jsonBody, type LoadRequest, type StartRequest } from "../wire/protocol.ts";
import { serializeError } from "../wire/serialize-error.ts";
import { ProcessWatch } from "./aftermath.ts";
import { AskedFor } from "./asked-for.ts";
import { BatchRunner } from "./batch-runner.ts";
import { contractOf } from "./contract.ts";
import { describeMetadata } from "./describe-metadata.ts";
import type { Link } from "./link.ts";
import {
  checksOf,
  describeDefault,
  type HandlerFunction,
  type HandlerModule,
  importBundle,
  importMember,
  type LifecycleInfo,
  schemaIn,
} from "./load.ts";
import { createLog } from "./log.ts";
import { ownTelemetry } from "./own-telemetry.ts";
import { RequestTurns } from "./request-turns.ts";
import { Runner, type RunnerParts, type WorkerDeps } from "./runner.ts";
import { schedulePayloadOf } from "./schedule-payload.ts";

export interface MemberOwner {
  /** What a process does by itself before it has a handler; resolves when it is over. */
  rehearsed(): Promise<void> | undefined;
  /** It is loaded, as nobody's but its own: not only to be looked at. */
  named(handler: string): void;
  /** It is torn down, and has said so. */
  stopped(): void;
}

export class Member {
  readonly link: Link;
  private readonly owner: MemberOwner;
  private readonly stopping = new AbortController();
  private handler = "";
  private isShadow = false;
  private loaded: HandlerModule = {};
  private runner: Runner | BatchRunner | undefined;
  private watch: ProcessWatch | undefined;
  private asked: AskedFor | undefined;

  constructor(link: Link, owner: MemberOwner) {
    this.link = link;
    this.owner = owner;
  }

  /** Whether bytes of frames are still needed. */
  get holdsBytes(): boolean {
    return this.runner?.holdsBytes === true;
  }

  /** Frames come in, which the event loop has read at once: what returns at once leaves in one write, at `endTurn`. */
  beginTurn(): void {
    this.runner?.beginTurn();
    this.link.hold();
  }

  endTurn(): void {
    this.link.release();
  }

  read(type: number, bytes: Buffer, start: number, end: number): void {
    const { link, runner } = this;
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
        return void this.load(jsonBody<LoadRequest>(bytes, start, end));
      case FrameType.start:
        return void this.start(jsonBody<StartRequest>(bytes, start, end));
      case FrameType.inspector:
        return setInspector(bytes.readUInt16BE(start));
      case FrameType.stop:
        return void this.stop();
      default:
        throw new RangeError(`unknown frame type ${type}`);
    }
  }

  private async load(request: LoadRequest): Promise<void> {
    const { link, owner } = this;
    this.handler = request.handler;
    if (request.shared === true) {
      await owner.rehearsed(); // It asks for the time, and who asks is watched from now on.
      this.asked ??= new AskedFor(process.argv.slice(2));
      this.watch ??= new ProcessWatch();
    }
    const { watch, asked } = this;
    watch?.begin();
    Object.assign(process.env, request.env);
    if (watch === undefined) owner.named(request.handler);
    try {
      process.chdir(request.cwd);
      if (request.inspectPort !== undefined) inspector().open(request.inspectPort, "127.0.0.1");
      for (const url of request.preload) await import(url);
      asked?.begin(request.url);
      const { url, member } = request;
      this.loaded = await (member === undefined ? importBundle(url) : importMember(url, member));
      const { metadata, default: handler } = this.loaded;
      const schedulePayload = await schedulePayloadOf(metadata);
      const aftermath = await watch?.end();
      const outside = asked?.end();
      link.send(FrameType.loaded, {
        metadata: describeMetadata(metadata),
        defaultExport: describeDefault(handler),
        ...(schedulePayload === undefined ? {} : { schedulePayload }),
        ...(aftermath === undefined ? {} : { aftermath }),
        ...(outside === undefined ? {} : { outside }),
        ...(request.describe === true ? { contract: contractOf(metadata) } : {}),
      });
    } catch (error) {
      link.send(FrameType.loadFailed, { phase: "import", error: serializeError(error) });
    }
    link.flush();
  }

  private async start(request: StartRequest): Promise<void> {
    const { link } = this;
    this.isShadow = request.shadow === true;
    if (request.checksOnly === true) this.loaded = checksOf(this.loaded);
    try {
      await this.loaded.setup?.(this.lifecycleInfo());
    } catch (error) {
      link.send(FrameType.loadFailed, { phase: "setup", error: serializeError(error) });
      return link.flush();
    }
    const { schema, reply, payload, when, orderBy } = this.loaded.metadata ?? {};
    const telemetry = ownTelemetry();
    const requests = new RequestTurns(mostRequests(request.concurrency));
    const deps: WorkerDeps = { link, start: request, handler: this.handler, telemetry, requests };
    // An order over all replicas is kept by the consumers, not here.
    const key = typeof orderBy === "function" ? orderBy : undefined;
    const parts = { schema: schemaIn(schema), reply: schemaIn(reply), payload, when, orderBy: key };
    this.runner = runnerOf(this.loaded.default!, deps, parts);
    link.send(FrameType.ready, null);
    link.flush();
  }

  private async stop(): Promise<void> {
    const { link, runner } = this;
    this.stopping.abort(new Error("the worker is stopping"));
    runner?.abortAll(new Error("the worker is stopping"));
    let error: unknown = null;
    try {
      if (runner !== undefined) await this.loaded.teardown?.(this.lifecycleInfo());
    } catch (thrown) {
      error = serializeError(thrown);
    }
    link.send(FrameType.stopped, error);
    link.flush();
    this.owner.stopped();
  }

  private lifecycleInfo(): LifecycleInfo {
    const { handler, isShadow, stopping, link } = this;
    return { handler, shadow: isShadow, signal: stopping.signal, log: createLog(link, () => ({})) };
  }
}

/** Node's, with all that comes with it, is loaded by who needs it: not one process in a thousand is debugged. */
function inspector(): typeof import("node:inspector") {
  return process.getBuiltinModule("node:inspector");
}

/** Port 0: close. Closing waits for the debugger to let go, so that the next version finds the port free. */
function setInspector(port: number): void {
  if (port === 0) inspector().close();
  else inspector().open(port, "127.0.0.1");
}

/** A batch has no one message in whose context it could run. */
function runnerOf(handler: HandlerFunction, deps: WorkerDeps, parts: Omit<RunnerParts, "handler">) {
  if (deps.start.batches === true) return new BatchRunner(deps, { handler, ...parts });
  return new Runner(deps, { handler: deps.telemetry?.around(handler) ?? handler, ...parts });
}
