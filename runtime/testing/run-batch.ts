// A batch of messages through a handler, without NATS and without a process. A batch that fails is halved, as in the runtime.

import type { BatchedMessage, RunBatch } from "../../sdk/testing.ts";
import { within } from "../clock.ts";
import { runtimeDefaults } from "../config/defaults.ts";
import { afterBatch } from "../deliver/halves.ts";
import type { Outcome } from "../message/outcome.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { mostRequests } from "../wire/call-frame.ts";
import { contextOf } from "../worker/change-context.ts";
import type { HandlerModule } from "../worker/load.ts";
import { RequestTurns } from "../worker/request-turns.ts";
import { type BatchEnd, BatchRun } from "../worker/run-batch.ts";
import { timeoutPassed } from "../worker/runner.ts";
import { type TestMessage, testMessage } from "./message.ts";
import { Observed } from "./observed.ts";
import { reportOf } from "./report.ts";
import { inItsLife } from "./run-module.ts";
import { metadataOf } from "./test-metadata.ts";
import { incomingOf, programOf, startOf, type TestRunDeps } from "./test-run.ts";

/** See `RunBatch`. */
export const runBatch: RunBatch = async (exports, payloads, options = {}) => {
  const module = exports as unknown as HandlerModule;
  const metadata = metadataOf(module, options);
  assertFits(metadata, payloads.length);
  const { sequence: first = 1 } = options;
  const messages = payloads.map((payload, at) => testMessage(metadata, payload, { ...options, sequence: first + at }));
  const observed = new Observed(options, metadata.uses);
  const end = { module, end: observed, bare: options.lifecycle === false };
  const ends = await inItsLife(end, (deps) => runAll(messages, module, metadata, deps));
  const { published, requested, logs } = observed;
  return {
    messages: messages.map((message) => reportedOf(ends.get(message)!, message, metadata)),
    published,
    requested,
    logs,
    ...observed.kept,
  };
};

function assertFits({ batch }: ResolvedMetadata, count: number): void {
  if (batch === undefined) throw new TypeError("the handler takes one message at a time: run it with `runHandler`");
  if (count < 1 || count > batch.size)
    throw new TypeError(`a batch of this handler has 1 to ${batch.size} messages; received ${count}`);
}

/** How each has ended, once all have. */
async function runAll(
  messages: readonly TestMessage[],
  module: HandlerModule,
  metadata: ResolvedMetadata,
  deps: TestRunDeps,
): Promise<ReadonlyMap<TestMessage, Outcome>> {
  const ends = new Map<TestMessage, Outcome>();
  const batches: (readonly TestMessage[])[] = [messages];
  for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
    const { outcome, named } = await runOne(batch, module, metadata, deps);
    const { settled, again } = afterBatch(batch, named, outcome);
    for (const [message, own] of settled) ends.set(message, own);
    batches.push(...again);
  }
  return ends;
}

async function runOne(
  messages: readonly TestMessage[],
  module: HandlerModule,
  metadata: ResolvedMetadata,
  { handler, link, idPrefix, clock }: TestRunDeps,
): Promise<{ readonly outcome: Outcome; readonly named: BatchEnd["named"] }> {
  const { timeoutMs } = metadata;
  const start = startOf(metadata, idPrefix);
  const requests = new RequestTurns(mostRequests(start.concurrency));
  const services = { link, start, handler, telemetry: undefined, requests };
  const batch = new BatchRun(programOf(module, metadata), services);
  for (const message of messages) {
    const incoming = incomingOf(message);
    batch.add(incoming, contextOf(message.arrival, services, incoming));
  }
  const running = batch.run();
  const ended = await within(clock, timeoutMs, running);
  if (ended !== "expired") return ended;
  batch.abort(timeoutPassed());
  const late = await within(clock, runtimeDefaults.killGraceMs, running);
  const named = late === "expired" ? new Map() : late.named;
  return { outcome: { kind: "timed-out", timeoutMs, blocked: false }, named };
}

function reportedOf(outcome: Outcome, { arrival }: TestMessage, metadata: ResolvedMetadata): BatchedMessage {
  const run = { outcome, attempt: arrival.attempt, chunks: [] };
  const { outcome: kind, error, settlement } = reportOf(run, metadata, "json");
  return { outcome: kind, error, settlement };
}
