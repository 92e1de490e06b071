// What a worker says, from its frames to those who wait for it: how deliveries ended, what it calls, logs, and how far it
// has come. Throws for what no worker of ours would say.

import type { WorkerEvents } from "../message/worker-port.ts";
import { readFailure } from "../wire/failure-frame.ts";
import type { LogRecord } from "../wire/log-record.ts";
import { FrameType, jsonBody } from "../wire/protocol.ts";
import type { FloodTurns } from "./flood-turns.ts";
import type { WorkProgress } from "./work-progress.ts";
import type { WorkerCalls } from "./worker-calls.ts";
import type { WorkerListener } from "./worker-source.ts";
import type { WorkerSteps } from "./worker-steps.ts";
import type { WorkerStores } from "./worker-stores.ts";

export class FramesIn {
  /** Known once it is told which handler it is. */
  listener: WorkerListener | undefined;
  /** Known once it takes deliveries, until it has ended; so are its calls. */
  events: WorkerEvents | undefined;
  calls: WorkerCalls | undefined;
  stores: WorkerStores | undefined;
  /** The process says that it dies of this handler. */
  isBlamed = false;
  private readonly steps: WorkerSteps;
  private readonly progress: WorkProgress;
  private readonly floodTurns: Pick<FloodTurns, "logged">;

  constructor(steps: WorkerSteps, progress: WorkProgress, floodTurns: Pick<FloodTurns, "logged">) {
    this.steps = steps;
    this.progress = progress;
    this.floodTurns = floodTurns;
  }

  read(type: number, bytes: Buffer, start: number, end: number): void {
    if (type >= FrameType.done && type <= FrameType.chunk) {
      this.progress.reported(type === FrameType.done ? bytes.readUInt32BE(start + 4) : 1);
    }
    switch (type) {
      case FrameType.done:
        return this.events?.done(bytes.readUInt32BE(start), bytes.readUInt32BE(start + 4));
      case FrameType.reply:
        return this.events?.ended(bytes.readUInt32BE(start), {
          kind: "returned",
          reply: Buffer.from(bytes.subarray(start + 4, end)),
        });
      case FrameType.failed:
        return this.events?.ended(bytes.readUInt32BE(start), readFailure(jsonBody(bytes, start + 4, end)));
      case FrameType.deferred:
        this.progress.reported(1);
        return this.events?.deferred?.(bytes.readUInt32BE(start), bytes.readUInt32BE(start + 4));
      case FrameType.named:
        return this.events?.named?.(
          bytes.readUInt32BE(start),
          bytes.readUInt32BE(start + 4),
          readFailure(jsonBody(bytes, start + 8, end)),
        );
      case FrameType.chunk:
        return this.events?.chunk(bytes.readUInt32BE(start), Buffer.from(bytes.subarray(start + 4, end)));
      case FrameType.publish:
      case FrameType.publishLater:
      case FrameType.publishBriefly:
      case FrameType.publishUnanswered:
      case FrameType.publishTogether:
      case FrameType.request:
        return this.calls?.onFrame(type, bytes, start, end);
      case FrameType.store:
        return this.stores?.onFrame(bytes, start, end);
      case FrameType.log:
        this.floodTurns.logged(end - start);
        return this.listener?.log(jsonBody<LogRecord>(bytes, start, end));
      case FrameType.held:
        return this.events?.held(bytes.readUInt32BE(start));
      case FrameType.begun:
        return this.events?.begun(bytes.readUInt32BE(start));
      case FrameType.blamed:
        this.isBlamed = true;
        return;
      case FrameType.pong:
        return this.events?.alive();
      default:
        return this.steps.onFrame(type, bytes, start, end);
    }
  }
}
