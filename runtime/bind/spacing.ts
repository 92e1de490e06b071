// Has messages wait, or lets them pass, by `debounce` and `throttle`: decides by the mark of their key (spacing-rules.ts), which
// all replicas share (key-marks.ts).
//
// S1  Messages of a key are decided one after another, in the order they come. With `debounce` new ones behind which newer wait are
//     let pass at once: a flood costs one mark for as many as come while that is written.
// S2  Nothing is done before its mark is written. Where another replica was first, it is decided anew by what that has written.
// S3  Marks are remembered, as what they refuse they refuse for good. Whether one that waited is still the newest is asked anew.

import type { NatsConnection } from "@nats-io/transport-node";
import { type KeyOf, keyReader } from "../message/message-key.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { type KeptMark, type KeyMarks, keyStream, keyToken } from "./key-marks.ts";
import {
  type DebounceMark,
  type Decision,
  debounced,
  isNewer,
  type Spaced,
  type SpacedMessage,
  SUPERSEDED,
  type ThrottleMark,
  throttled,
} from "./spacing-rules.ts";
import type { StreamDelivery } from "./stream-delivery.ts";

export interface SpacingOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly handler: string;
  readonly marks: Pick<KeyMarks, "read" | "write">;
  readonly serverClock: Pick<ServerClock, "nowMs">;
  /** A newer one stands for the message that is acknowledged there. */
  readonly onSuperseded: (reply: string) => void;
}

/** Those of a key that wait for their decision. */
interface Line {
  tail: Promise<unknown>;
  waiting: number;
  newest: SpacedMessage;
}

type Decide = (mark: unknown, message: SpacedMessage, nowMs: number) => Decision<object>;

const MOST_REMEMBERED = 10_000;
/** Each time another replica was first: more of them say that something is wrong. */
const MOST_TRIES = 50;

export class SpacingGate {
  private readonly options: SpacingOptions;
  private readonly lines = new Map<string, Line>();
  /** S3. */
  private readonly known = new Map<string, KeptMark>();
  private reading: { readonly of: ResolvedMetadata; readonly keyOf: KeyOf } | undefined;

  constructor(options: SpacingOptions) {
    this.options = options;
  }

  /**
   * Whether it is to be run now. Rejects with STREAM_REFUSED or NATS_REFUSED where its mark can be neither read nor written.
   *
   * @param uncharged so many of its deliveries were given back
   */
  async ask(delivery: StreamDelivery, metadata: ResolvedMetadata, uncharged: number): Promise<Spaced> {
    const { connection, app, handler } = this.options;
    const by = decideBy(metadata);
    if (by === undefined) return { do: "run", putOff: 0 };
    try {
      const key = keyToken(this.keyOf(metadata)(delivery));
      return await this.inLine(key, spaced(delivery, uncharged), by, metadata.debounce !== undefined);
    } catch (error) {
      const what = metadata.debounce === undefined ? "throttle" : "debounce";
      const doing = `handler "${handler}" runs nothing, as what its \`${what}\` knows of messages could not be kept in stream "${keyStream(app)}", which \`handlers start --provision\` makes`;
      throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    }
  }

  private keyOf(metadata: ResolvedMetadata): KeyOf {
    if (this.reading?.of !== metadata) {
      const key = (metadata.debounce ?? metadata.throttle)?.key;
      this.reading = { of: metadata, keyOf: key === undefined ? () => "" : keyReader(key, metadata) };
    }
    return this.reading.keyOf;
  }

  /** S1. */
  private async inLine(key: string, message: SpacedMessage, by: Decide, lastWins: boolean): Promise<Spaced> {
    const line = this.lines.get(key) ?? { tail: Promise.resolve(), waiting: 0, newest: message };
    this.lines.set(key, line);
    line.waiting++;
    if (isNewer(message, line.newest)) line.newest = message;
    const asked = line.tail.then(() => {
      const isAgain = message.deliveries > 1;
      if (lastWins && !isAgain && isNewer(line.newest, message)) return SUPERSEDED;
      return this.decide(key, message, by, lastWins && isAgain);
    });
    line.tail = asked.catch(() => undefined); // Who asked is told.
    try {
      return await asked;
    } finally {
      if (--line.waiting === 0) this.lines.delete(key);
    }
  }

  /** S2, S3. */
  private async decide(key: string, message: SpacedMessage, by: Decide, anew: boolean): Promise<Spaced> {
    const { handler, marks, serverClock, onSuperseded } = this.options;
    let kept = anew ? undefined : this.known.get(key);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      kept ??= await marks.read(handler, key);
      const { mark, spaced, supersedes } = by(kept.mark, message, serverClock.nowMs());
      const revision = mark === undefined ? kept.revision : await marks.write(handler, key, mark, kept.revision);
      if (revision !== undefined) {
        this.remember(key, { mark: mark ?? kept.mark, revision });
        if (supersedes !== undefined) onSuperseded(supersedes);
        return spaced;
      }
      kept = undefined;
    }
    throw new Error("others write to it all the time");
  }

  private remember(key: string, kept: KeptMark): void {
    this.known.delete(key);
    this.known.set(key, kept);
    if (this.known.size > MOST_REMEMBERED) this.known.delete(this.known.keys().next().value ?? "");
  }
}

/** A save may change what marks are of: those of the other option say nothing. */
function decideBy({ debounce, throttle }: ResolvedMetadata): Decide | undefined {
  if (debounce !== undefined)
    return (mark, message, nowMs) => debounced(isDebounceMark(mark) ? mark : undefined, message, debounce, nowMs);
  if (throttle !== undefined)
    return (mark, message, nowMs) => throttled(isThrottleMark(mark) ? mark : undefined, message, throttle, nowMs);
  return undefined;
}

function isDebounceMark(mark: unknown): mark is DebounceMark {
  const { id, dueMs, due } = (mark ?? {}) as Partial<DebounceMark>;
  return typeof id === "string" && typeof dueMs === "number" && Array.isArray(due);
}

function isThrottleMark(mark: unknown): mark is ThrottleMark {
  const { ids, atMs } = (mark ?? {}) as Partial<ThrottleMark>;
  return Array.isArray(ids) && typeof atMs === "number";
}

function spaced({ info, reply }: StreamDelivery, uncharged: number): SpacedMessage {
  const { stream, streamSequence: seq, storedAtMs, deliveries } = info;
  return { id: `${stream}:${seq}:${storedAtMs}`, seq, storedAtMs, reply, deliveries, uncharged };
}
