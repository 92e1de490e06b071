// Dead letters redriven to one handler, of any kind: a small durable consumer on the stream of redrives, set up when the
// first message is redriven and asleep while there are none.
//
// R1  A redriven message looks like the original: subject, headers, payload, and for durable handlers its id.
// R2  It starts with all its attempts, and takes few slots beside those of the handler's own messages: one, or a quarter.
// R3  When it fails again it is a dead letter again, with what was before counted in.

import type { Msg } from "@nats-io/transport-node";
import { encodeHeaders } from "../deliver/header-block.ts";
import type { Settlement } from "../deliver/settle.ts";
import type { RuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { AckInfo } from "./ack-subject.ts";
import type { BindingOwner } from "./binding.ts";
import { readLetter, redriveSubject } from "./dead-letter.ts";
import { type DurableSpec, ensureDurable } from "./durable-consumer.ts";
import { durableNameOf } from "./durable-name.ts";
import { redriveStream } from "./redrive-watch.ts";
import { hopsOf, type StreamDelivery, type StreamMessage } from "./stream-delivery.ts";
import { StreamIntake } from "./stream-intake.ts";
import type { StreamServices } from "./stream-services.ts";

export interface RedriveSourceOptions {
  readonly services: StreamServices;
  readonly handler: string;
  /** The stream the handler takes from; undefined for handlers of core messages. */
  readonly stream: string | undefined;
  readonly metadata: () => ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly onError: (error: RuntimeError) => void;
}

const MOST_SLOTS = 16;
/** Above all numbers that deliveries of the handler's own have: their ids must differ. */
const FIRST_SEQ = 2 ** 44;

/** Beside the handler's own durable. */
export function redriveDurable(durable: string): string {
  return `${durable}-redrive`;
}

export class RedriveSource {
  private readonly options: RedriveSourceOptions;
  private readonly spec: DurableSpec;
  private readonly intake: StreamIntake;
  private state: "asleep" | "waking" | "awake" | "closed" = "asleep";
  private unwatch: (() => void) | undefined;
  /** Woken since it was last looked whether there is more. */
  private called = false;

  constructor(options: RedriveSourceOptions) {
    this.options = options;
    const { services, handler, metadata, owner, onError } = options;
    this.spec = {
      app: services.app,
      handler,
      stream: redriveStream(services.app),
      durable: redriveDurable(durableNameOf(services.app, handler)),
      filter: redriveSubject(services.app, handler),
    };
    this.intake = new StreamIntake({
      services,
      spec: this.spec,
      metadata,
      owner,
      read: (message, info) => this.read(message, info),
      free: (inHand) => Math.max(0, this.share() - inHand),
      onExpired: () => void this.sleepIfEmpty(),
      onError,
    });
  }

  start(): void {
    this.unwatch = this.options.services.redrives.watch(this.spec.filter, () => void this.wake());
  }

  apply(delivery: StreamDelivery, settlement: Settlement): string | undefined {
    return this.intake.apply(delivery, settlement);
  }

  roomChanged(): void {
    if (this.state === "awake") this.intake.roomChanged();
  }

  /** Never rejects. */
  async unbind(): Promise<void> {
    this.state = "closed";
    this.unwatch?.();
    await this.intake.unbind();
  }

  /** R2. Also when the handler's own messages fill every slot: then they wait in the handler's queue. */
  private share(): number {
    const { concurrency } = this.options.metadata();
    return Math.max(1, Math.min(MOST_SLOTS, Math.floor(concurrency / 4)));
  }

  private async wake(): Promise<void> {
    this.called = true;
    if (this.state !== "asleep") return;
    this.state = "waking";
    const { connection, jsm, notices } = this.options.services;
    try {
      await ensureDurable(connection, jsm, this.spec);
      if (this.isClosed()) return;
      this.state = "awake";
      this.intake.start();
    } catch (error) {
      if (!this.isClosed()) this.state = "asleep";
      const message = error instanceof Error ? error.message : String(error);
      notices.tell(`redrive ${this.spec.durable}`, "error", message);
    }
  }

  private isClosed(): boolean {
    return this.state === "closed";
  }

  private async sleepIfEmpty(): Promise<void> {
    const { jsm } = this.options.services;
    const { stream, durable } = this.spec;
    this.called = false;
    try {
      const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, durable);
      if (num_pending + num_ack_pending > 0 || this.called || this.state !== "awake") return;
      this.state = "asleep";
      this.intake.pause();
    } catch {
      // Stays awake, and looks again when the next request runs out.
    }
  }

  /** R1. */
  private read(message: Msg, info: AckInfo): StreamMessage | Promise<StreamMessage> {
    const letter = readLetter(message.headers);
    const hops = hopsOf(message.headers);
    const unknown = { redriven: 1, stream: undefined, sequence: 0, attempts: 0, firstFailedAtMs: undefined };
    const seq = FIRST_SEQ + info.streamSequence;
    if (letter === undefined) {
      return {
        subject: this.options.metadata().subject,
        seq,
        data: message.data,
        headers: undefined,
        hops,
        history: unknown,
      };
    }
    const { redriven, stream, sequence, attempts, firstFailedAtMs, subject, headers, body } = letter;
    const own = this.options.stream !== undefined && stream === this.options.stream;
    const read: StreamMessage = {
      subject,
      seq: own ? sequence : seq,
      data: message.data,
      headers: headers.length === 0 ? undefined : encodeHeaders(headers),
      hops,
      history: { redriven, stream, sequence, attempts, firstFailedAtMs },
    };
    return body === "in-stream" && stream !== undefined ? this.withBody(read, stream, sequence) : read;
  }

  /** The letter was too large to hold the payload; its stream may still have it. */
  private async withBody(read: StreamMessage, stream: string, sequence: number): Promise<StreamMessage> {
    const stored = await this.options.services.jsm.streams.getMessage(stream, { seq: sequence }).catch(() => null);
    if (stored !== null) return { ...read, data: stored.data };
    const missing = `its payload was too large to keep, and stream "${stream}" does not have it any more (${sequence})`;
    return { ...read, missing };
  }
}
