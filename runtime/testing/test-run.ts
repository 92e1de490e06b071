// One run of a handler's function on one message, with the deadline that a worker would be held to.

import { type Clock, within } from "../clock.ts";
import { runtimeDefaults } from "../config/defaults.ts";
import type { Outcome } from "../message/outcome.ts";
import { whyNotDeferred } from "../metadata/deferral.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { mostRequests } from "../wire/call-frame.ts";
import type { StartRequest } from "../wire/protocol.ts";
import { contextOf } from "../worker/change-context.ts";
import { contentTypeIn } from "../worker/content-type.ts";
import type { ContextDeps, DeliveryContext } from "../worker/context.ts";
import { DeferredRuns } from "../worker/deferred-runs.ts";
import { type HandlerModule, schemaIn } from "../worker/load.ts";
import { RequestTurns } from "../worker/request-turns.ts";
import { type HandlerProgram, type Incoming, runOnce } from "../worker/run-once.ts";
import { timeoutPassed } from "../worker/runner.ts";
import { APP } from "./memory-once.ts";
import type { TestMessage } from "./message.ts";

export interface TestRunDeps extends Pick<ContextDeps, "handler" | "link"> {
  readonly idPrefix: string;
  readonly clock: Clock;
  /** In place of what `ctx.defer` says. */
  readonly leaseMs?: number | undefined;
}

export class TestRun {
  /** What it streamed, one message each. */
  readonly chunks: Uint8Array[] = [];
  private readonly module: HandlerModule;
  private readonly metadata: ResolvedMetadata;
  private readonly message: TestMessage;
  private readonly context: DeliveryContext;
  private readonly clock: Clock;
  private readonly leaseMs: number | undefined;

  constructor(
    module: HandlerModule,
    metadata: ResolvedMetadata,
    message: TestMessage,
    { handler, link, idPrefix, clock, leaseMs }: TestRunDeps,
  ) {
    const start = startOf(metadata, idPrefix);
    this.module = module;
    this.metadata = metadata;
    this.message = message;
    const requests = new RequestTurns(mostRequests(start.concurrency));
    const services = { link, start, handler, telemetry: undefined, requests };
    this.context = contextOf(message.arrival, services, incomingOf(message));
    this.clock = clock;
    this.leaseMs = leaseMs;
  }

  /** Whoever returns after the timeout has timed out all the same; it is waited for, as long as a worker would be. */
  async ended(): Promise<Outcome> {
    const { timeoutMs } = this.metadata;
    const running = Promise.resolve(this.run());
    const outcome = await within(this.clock, timeoutMs, running);
    if (outcome !== "expired") return this.settledLater(outcome);
    this.context.deferral?.end();
    this.context.abort(timeoutPassed());
    await within(this.clock, runtimeDefaults.killGraceMs, running);
    return { kind: "timed-out", timeoutMs, blocked: false };
  }

  /** Where it is deferred: by whoever settles it first, or at the end of its lease. */
  private async settledLater(outcome: Outcome): Promise<Outcome> {
    const { context } = this;
    const { deferral } = context;
    if (deferral === undefined || outcome.kind !== "returned") {
      deferral?.end();
      return outcome;
    }
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const runs = new DeferredRuns({ deferred: () => undefined, settled: (_id, ended) => resolve(ended) });
    const { frameId } = this.message.arrival;
    runs.add(frameId, context, deferral);
    const timeoutMs = this.leaseMs ?? deferral.leaseMs;
    const ended = await within(this.clock, timeoutMs, promise);
    if (ended !== "expired") return ended;
    runs.abort(frameId, timeoutPassed());
    return { kind: "timed-out", timeoutMs, blocked: false, deferred: true };
  }

  private run(): Outcome | Promise<Outcome> {
    const program = programOf(this.module, this.metadata);
    return runOnce(program, incomingOf(this.message), this.context, {
      turns: undefined,
      chunk: async (_id, body) => void this.chunks.push(body),
    });
  }
}

/** As it would lie in its frame. */
export function incomingOf({ arrival, payload: bytes }: TestMessage): Incoming {
  const contentType = arrival.headerBytes && contentTypeIn(arrival.headerBytes);
  return { id: arrival.frameId, bytes, start: 0, end: bytes.length, contentType };
}

/** What a test gives and gets is what lies in the envelope. */
export function startOf(metadata: ResolvedMetadata, idPrefix: string): StartRequest {
  const { kind, subjects, store, propagate, uses, concurrency, timeoutMs, outputs } = metadata;
  const limits = { concurrency, attempts: kind === "durable" ? metadata.retry.attempts : 1, timeoutMs, outputs };
  const about = { app: APP, kind, subjects, store, envelope: "none" as const, propagate, uses };
  return { ...about, ...limits, cannotDefer: whyNotDeferred(metadata), idPrefixes: [idPrefix] };
}

export function programOf(module: HandlerModule, { kind }: ResolvedMetadata): HandlerProgram {
  const { schema, reply, payload = "json", when } = module.metadata ?? {};
  const replies = kind === "request";
  return {
    handler: module.default!,
    schema: schemaIn(schema),
    reply: replies ? schemaIn(reply) : undefined,
    payload,
    envelope: "none",
    when,
    replies,
  };
}
