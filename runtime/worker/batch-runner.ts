// Runs the batches that come in as frames, each at once: how many run at a time is the supervisor's to say (deliver/batch-lane.ts).
// How one is run is for run-batch.ts.

import { FrameType } from "../wire/protocol.ts";
import { contextOf } from "./change-context.ts";
import { contentTypeIn } from "./content-type.ts";
import { readDelivery } from "./read-delivery.ts";
import { type BatchEnd, BatchRun } from "./run-batch.ts";
import type { HandlerProgram } from "./run-once.ts";
import type { RunOutcome } from "./run-outcome.ts";
import { cancelledByOperator, type RunnerParts, timeoutPassed, type WorkerDeps } from "./runner.ts";

export class BatchRunner {
  /** Deliveries are read as they come. */
  readonly holdsBytes = false;
  private readonly services: WorkerDeps;
  private readonly program: HandlerProgram;
  private readonly running = new Map<number, BatchRun>();
  private gathered: BatchRun;

  constructor(services: WorkerDeps, { handler, schema, payload = "json", when }: RunnerParts) {
    this.services = services;
    const { envelope } = services.start;
    this.program = { handler, schema, reply: undefined, payload, envelope, when, replies: false };
    this.gathered = new BatchRun(this.program, services);
  }

  /** One of the next batch. */
  deliver(bytes: Buffer, start: number, end: number): void {
    const at = bytes.readUInt32BE(start);
    const arrival = readDelivery(bytes, start, at, this.services.start.subjects[0]!);
    const { payloadStart, headerBytes } = arrival;
    const contentType = headerBytes && contentTypeIn(headerBytes);
    const incoming = { id: at, bytes, start: payloadStart, end, contentType };
    this.gathered.add(incoming, contextOf(arrival, this.services, incoming));
  }

  /** What has been delivered since the last one is a batch. */
  begin(frameId: number): void {
    const batch = this.gathered;
    this.gathered = new BatchRun(this.program, this.services);
    this.running.set(frameId, batch);
    void batch.run().then((end) => this.ended(frameId, end));
  }

  abort(frameId: number, isCancelled: boolean): void {
    this.running.get(frameId)?.abort(isCancelled ? cancelledByOperator() : timeoutPassed());
  }

  abortAll(reason: Error): void {
    for (const batch of this.running.values()) batch.abort(reason);
  }

  beginTurn(): void {
    // A batch is as long as it is.
  }

  private ended(frameId: number, { outcome, named }: BatchEnd): void {
    this.running.delete(frameId);
    const { link } = this.services;
    for (const [at, own] of named) this.tell(FrameType.named, own, frameId, at);
    if (outcome.kind === "returned") link.done(frameId);
    else this.tell(FrameType.failed, outcome, frameId);
    link.schedule();
  }

  private tell(type: number, outcome: RunOutcome, ...numbers: readonly number[]): void {
    const frame = this.services.link.begin(type);
    for (const number of numbers) frame.u32(number);
    frame.text(JSON.stringify(outcome));
    frame.end();
  }
}
