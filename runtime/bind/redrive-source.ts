// Dead letters redriven to one handler, of any kind, and stored messages replayed to it: a small durable consumer on the
// stream of redrives, set up when the first message comes that way and asleep while there are none.
//
// R1  A redriven message looks like the original: subject, headers, payload, and for durable handlers its id. So does a
//     replayed one, which has a header more (dead-letters/dead-letter.ts, encodeReplay).
// R2  It starts with all its attempts, and takes few slots beside those of the handler's own messages: one, or a quarter.
// R3  When it fails again it is a dead letter again, with what was before counted in.

import { type ReadLetter, readLetter, redriveSubject } from "../dead-letters/dead-letter.ts";
import { contentOf, isScattered } from "../dead-letters/letter-parts.ts";
import { deadLetterStream } from "../dead-letters/letter-store.ts";
import { redriveStream } from "../dead-letters/redrive-watch.ts";
import type { RuntimeError } from "../errors.ts";
import type { BindingOwner } from "../message/binding.ts";
import { encodeHeaders } from "../message/header-block.ts";
import type { Settlement } from "../message/settlement.ts";
import { slotsOf } from "../metadata/batch.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { AckInfo } from "../streams/ack-subject.ts";
import { type DurableSpec, ensureDurable } from "../streams/durable-consumer.ts";
import { earlierRedriveDurableName, redriveDurableName } from "../streams/durable-name.ts";
import { durableFor } from "../streams/handler-durable.ts";
import { hopsOf } from "./arrived-headers.ts";
import type { FetchedContent, MessageContent, StreamDelivery, StreamMessage } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import { StreamIntake } from "./stream-intake.ts";

export interface RedriveSourceOptions {
  readonly deps: StreamDeps;
  readonly handler: string;
  /** The streams the handler takes from, by origin; none for handlers of core messages. */
  readonly streams: readonly string[];
  readonly metadata: () => ResolvedMetadata;
  readonly owner: BindingOwner;
  /** Another replica is to run the handler. */
  readonly isStandby?: () => boolean;
  readonly onError: (error: RuntimeError) => void;
}

const MOST_SLOTS = 16;
/** Above all numbers that deliveries of the handler's own have: their ids must differ. */
const FIRST_SEQ = 2 ** 44;

export class RedriveSource {
  private readonly options: RedriveSourceOptions;
  /** What the handler's redrives are called in their stream. */
  private readonly filter: string;
  /** Once one was redriven. */
  private source: { readonly spec: DurableSpec; readonly intake: StreamIntake } | undefined;
  private state: "asleep" | "waking" | "awake" | "closed" = "asleep";
  private unwatch: (() => void) | undefined;
  /** Woken since it was last looked whether there is more. */
  private called = false;

  constructor(options: RedriveSourceOptions) {
    this.options = options;
    this.filter = redriveSubject(options.deps.app, options.handler);
  }

  start(): void {
    this.unwatch = this.options.deps.redrives.watch(this.filter, () => void this.wake());
  }

  apply(delivery: StreamDelivery, settlement: Settlement): string | undefined {
    return this.source?.intake.apply(delivery, settlement);
  }

  inSlot(delivery: StreamDelivery, isInSlot: boolean): void {
    this.source?.intake.inSlot(delivery, isInSlot);
  }

  roomChanged(): void {
    if (this.state === "awake") this.source?.intake.roomChanged();
  }

  /** Never rejects. */
  async unbind(): Promise<void> {
    this.state = "closed";
    this.unwatch?.();
    await this.source?.intake.unbind();
  }

  /** R2. Also when the handler's own messages fill every slot: then they wait in the handler's queue. */
  private share(): number {
    return Math.max(1, Math.min(MOST_SLOTS, Math.floor(slotsOf(this.options.metadata()) / 4)));
  }

  private async wake(): Promise<void> {
    this.called = true;
    if (this.state !== "asleep") return;
    this.state = "waking";
    const { handler, deps } = this.options;
    try {
      const spec = this.source?.spec ?? (await this.place());
      const durable = await ensureDurable(deps.connection, deps.jsm, spec);
      if (this.isClosed()) return;
      this.state = "awake";
      this.source ??= { spec, intake: this.intakeOf(spec) };
      this.source.intake.start(durable);
    } catch (error) {
      if (!this.isClosed()) this.state = "asleep";
      const message = error instanceof Error ? error.message : String(error);
      deps.notices.tell(`redrive ${handler}`, "error", message);
    }
  }

  private async place(): Promise<DurableSpec> {
    const { filter, options } = this;
    const { connection, jsm, app } = options.deps;
    const place = { app, handler: options.handler, stream: redriveStream(app), filter };
    const names = {
      name: redriveDurableName(app, options.handler, filter),
      earlier: earlierRedriveDurableName(app, options.handler),
    };
    return { ...place, durable: await durableFor(connection, jsm, place, names) };
  }

  private intakeOf(spec: DurableSpec): StreamIntake {
    const { deps, metadata, owner, onError } = this.options;
    return new StreamIntake({
      deps,
      jsm: deps.jsm,
      spec,
      metadata,
      owner,
      read: (message, info) => this.read(message, info),
      free: (inHand) => (this.options.isStandby?.() === true ? 0 : Math.max(0, this.share() - inHand)),
      // What holds these holds the handler's own messages too, and is told there.
      holds: undefined,
      onExpired: () => void this.sleepIfEmpty(),
      onError,
    });
  }

  private isClosed(): boolean {
    return this.state === "closed";
  }

  private async sleepIfEmpty(): Promise<void> {
    if (this.source === undefined) return;
    const { jsm } = this.options.deps;
    const { intake, spec } = this.source;
    this.called = false;
    try {
      const { num_pending, num_ack_pending } = await jsm.consumers.info(spec.stream, spec.durable);
      if (num_pending + num_ack_pending > 0 || this.called || this.state !== "awake") return;
      this.state = "asleep";
      intake.pause();
    } catch {
      // Stays awake, and looks again when the next request runs out.
    }
  }

  /** R1. */
  private read(message: MessageContent, info: AckInfo): StreamMessage {
    const letter = readLetter(message.headers);
    const hops = hopsOf(message.headers);
    const none = { stream: undefined, sequence: 0, storedAtMs: undefined };
    const unknown = { ...none, redriven: 1, attempts: 0, firstFailedAtMs: undefined };
    const seq = FIRST_SEQ + info.streamSequence;
    if (letter === undefined) {
      return {
        subject: this.options.metadata().subjects[0]!,
        seq,
        origin: 0,
        storedAtMs: info.storedAtMs,
        data: message.data,
        headers: undefined,
        hops,
        history: unknown,
      };
    }
    const { redriven, stream, sequence, storedAtMs, attempts, firstFailedAtMs, subject, headers } = letter;
    const origin = stream === undefined ? -1 : this.options.streams.indexOf(stream);
    const own = origin >= 0;
    return {
      subject,
      seq: own ? sequence : seq,
      origin: own ? origin : 0,
      storedAtMs: own ? storedAtMs : info.storedAtMs,
      data: message.data,
      headers: blockOf(headers),
      hops,
      history: { redriven, stream, sequence, storedAtMs, attempts, firstFailedAtMs },
      fetch: isScattered(letter) ? () => this.fetch(letter, message.data) : undefined,
    };
  }

  /** The message was too large for a letter in one piece. */
  private async fetch(letter: ReadLetter, here: Uint8Array): Promise<FetchedContent> {
    const { jsm, app } = this.options.deps;
    const content = await contentOf(jsm, deadLetterStream(app), letter, here);
    if (content !== undefined) return { data: content.data, headers: blockOf(content.headers) };
    const where =
      letter.body === "in-stream" ? `stream "${letter.stream}" (${letter.sequence})` : "the dead-letter stream";
    return { missing: `its payload was too large to keep in one message, and ${where} does not have it any more` };
  }
}

function blockOf(headers: ReadLetter["headers"]): Uint8Array | undefined {
  return headers.length === 0 ? undefined : encodeHeaders(headers);
}
