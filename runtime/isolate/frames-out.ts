// What is said to a worker: frames in one batch, which leaves when the turn of the event loop ends, or at once where
// somebody waits for what it says.

import type { Delivery } from "../message/delivery.ts";
import type { AbortWhy } from "../message/worker-port.ts";
import {
  DELIVER_HAS_HEADERS,
  DELIVER_HAS_ORIGIN,
  DELIVER_HAS_STORED_AT,
  DELIVER_HAS_SUBJECT,
  DELIVER_IS_AGAIN,
  FrameType,
  FrameWriter,
  type LoadRequest,
  type StartRequest,
} from "../wire/protocol.ts";

const FLUSH_AT_BYTES = 256 * 1024;

export class FramesOut {
  /** Whoever writes a frame of its own into it calls `schedule` then. */
  readonly writer: FrameWriter;
  /** Called before a batch leaves: what is still to be in it. */
  beforeLeaving: (() => void) | undefined;
  private readonly write: (batch: Buffer) => boolean;
  /** A delivery under this subject need not say so. */
  private boundSubject = "";
  private isScheduled = false;

  /** `write` says whether it is done with the bytes. `opening`: with what each batch begins. */
  constructor(write: (batch: Buffer) => boolean, opening?: Uint8Array) {
    this.write = write;
    this.writer = new FrameWriter(undefined, opening);
  }

  load(request: LoadRequest): void {
    this.writer.json(FrameType.load, request);
    this.flush();
  }

  start(request: StartRequest): void {
    this.boundSubject = request.subjects[0]!;
    this.writer.json(FrameType.start, request);
    this.flush();
  }

  /** Open the inspector on that port, or close it. */
  setDebugger(port: number | undefined): void {
    this.writer.begin(FrameType.inspector);
    this.writer.u16(port ?? 0);
    this.writer.end();
    this.flush();
  }

  /** Each in a frame of its own, as a frame has its bounds; one more says that they are a batch. */
  deliverBatch(id: number, deliveries: readonly Delivery[]): void {
    for (const [at, delivery] of deliveries.entries()) this.deliver(at, delivery);
    this.writer.begin(FrameType.batch);
    this.writer.u32(id);
    this.writer.end();
    this.schedule();
  }

  deliver(id: number, delivery: Delivery): void {
    const { writer } = this;
    const hasSubject = delivery.subject !== this.boundSubject;
    const { headers, storedAtMs, origin = 0 } = delivery;
    writer.begin(FrameType.deliver);
    writer.u32(id);
    writer.u53(delivery.seq);
    writer.u16(Math.min(delivery.attempt, 0xffff));
    writer.u8(
      (hasSubject ? DELIVER_HAS_SUBJECT : 0) |
        (headers !== undefined ? DELIVER_HAS_HEADERS : 0) |
        (storedAtMs !== undefined ? DELIVER_HAS_STORED_AT : 0) |
        (origin !== 0 ? DELIVER_HAS_ORIGIN : 0) |
        (delivery.again === true ? DELIVER_IS_AGAIN : 0),
    );
    if (storedAtMs !== undefined) writer.u53(storedAtMs);
    if (origin !== 0) writer.u8(origin);
    if (hasSubject) writer.shortText(delivery.subject);
    if (headers !== undefined) writer.block(headers);
    writer.bytes(delivery.data);
    writer.end();
    this.schedule();
  }

  /** Abort the delivery's signal, and ask for a sign of life. */
  abort(id: number, why: AbortWhy): void {
    this.writer.begin(FrameType.abort);
    this.writer.u32(id);
    this.writer.u8(why === "cancelled" ? 1 : 0);
    this.writer.end();
    this.writer.begin(FrameType.ping);
    this.writer.end();
    this.flush();
  }

  stop(): void {
    this.writer.begin(FrameType.stop);
    this.writer.end();
    this.flush();
  }

  /** What has been written leaves when the turn ends. */
  schedule(): void {
    if (this.writer.pendingBytes > FLUSH_AT_BYTES) return this.flush();
    if (this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    this.beforeLeaving?.();
    this.writer.flush(this.write);
  }
}
