// Puts the messages of an ordered handler into the stream of its order (streams/ordered-stream.ts), where the key is one that the
// server cannot divide by: `orderBy: { header }` and `{ field }`.
//
// Q1  They are taken one at a time over all replicas, so they are put there in the order of their stream.
// Q2  One is acknowledged when it is stored there, under its number as the id: put there again, as its replica died in between, it
//     is stored once.
// Q3  What cannot be stored now is tried again, and what is behind it waits. Only what can never be stored, as it is too large,
//     is a dead letter.

import { createHash } from "node:crypto";
import { RuntimeError } from "../errors.ts";
import type { BindingOwner } from "../message/binding.ts";
import { decodeHeaders } from "../message/header-block.ts";
import type { HoldBoard } from "../message/hold.ts";
import { type KeyOf, keyReader } from "../message/message-key.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { headersAsRead } from "../nats/foreign-headers.ts";
import { headersOfCopy, keyOf, type OrderedStream, partitionSubject } from "../streams/ordered-stream.ts";
import type { StreamDelivery } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import { type ReadyDurable, readyDurable, type SourcePlace, StreamSource } from "./stream-source.ts";

export interface Sorting {
  readonly deps: StreamDeps;
  readonly handler: string;
  readonly stream: OrderedStream;
  readonly metadata: ResolvedMetadata;
}

/** What is told of it. */
export interface SortingTold {
  readonly holds: HoldBoard;
  readonly onFault: (error: RuntimeError) => void;
}

/** The server knows by it what is put there again, for its duplicate window. */
const ID = "put";
const PUB_ACK_MS = 5_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** A message's key stands in 32 bits of its hash. */
const HASH_BYTES = 4;

/** Which partition a key belongs to: the same for as long as there are as many. */
export function partitionOf(key: string, partitions: number): number {
  const hash = createHash("sha256").update(key).digest();
  return hash.readUIntBE(0, HASH_BYTES) % partitions;
}

/** As it is taken here: attempts and age are counted, and what is to be let pass is let pass, when the handler has it. */
export function takenForSorting(metadata: ResolvedMetadata): ResolvedMetadata {
  const retry = { ...metadata.retry, attempts: Number.MAX_SAFE_INTEGER };
  return { ...metadata, oneAtATime: true, retry, expiresMs: 0, throttle: undefined, fairBy: undefined };
}

/** Its durable is there, or is made. Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED. */
export async function readySorter(sorting: Sorting, place: SourcePlace): Promise<(told: SortingTold) => Sorter> {
  const { deps, handler, metadata } = sorting;
  const ready = await readyDurable(deps, handler, place, takenForSorting(metadata));
  return (told) => new Sorter(sorting, place, ready, told);
}

export class Sorter implements BindingOwner {
  private readonly sorting: Sorting;
  private readonly keyOf: KeyOf;
  private readonly source: StreamSource;
  private readonly onFault: (error: RuntimeError) => void;
  private readonly gone = new AbortController();
  private inHand = 0;

  constructor(sorting: Sorting, place: SourcePlace, ready: ReadyDurable, { holds, onFault }: SortingTold) {
    const { deps, handler, stream, metadata } = sorting;
    const { subject } = stream.division;
    this.sorting = sorting;
    this.onFault = onFault;
    this.keyOf = keyReader(keyOf(stream.division), { subjects: [subject], envelope: metadata.envelope });
    const taken = takenForSorting(metadata);
    const own = { origin: 0, metadata: () => taken, owner: this, holds, onFault, onMoved: () => undefined };
    this.source = new StreamSource({ deps, handler, ...place, ...own }, ready);
  }

  get room(): number {
    return this.gone.signal.aborted ? 0 : 1 - this.inHand;
  }

  accept(delivery: StreamDelivery): boolean {
    this.inHand++;
    void this.put(delivery);
    return true;
  }

  /** Not here: takenForSorting. */
  letPass(): void {}

  /** What is in hand is put there first, if that can be done now. Never rejects. */
  async close(): Promise<void> {
    this.gone.abort();
    await this.source.unbind();
  }

  private async put(delivery: StreamDelivery): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      const refused = await this.tryToPut(delivery);
      if (refused === undefined) this.source.apply(delivery, { do: "ack" });
      else if (this.gone.signal.aborted) this.source.apply(delivery, { do: "give-back" });
      else if (refused.isForEver) this.setAside(delivery, refused.error);
      else {
        this.onFault(this.notPut(delivery, refused.error, "; those behind it wait"));
        await this.pause(waitMs);
        continue;
      }
      this.inHand--;
      this.source.roomChanged();
      return;
    }
  }

  private async tryToPut(delivery: StreamDelivery): Promise<Refusal | undefined> {
    const { deps, stream } = this.sorting;
    const { source, partitions } = stream.division;
    try {
      const subject = partitionSubject(stream, partitionOf(this.keyOf(delivery), partitions), delivery.subject);
      const pairs = delivery.headers === undefined ? [] : decodeHeaders(Buffer.from(delivery.headers));
      const headers = headersAsRead(headersOfCopy(pairs, source, delivery.seq));
      const msgID = `${ID}.${delivery.seq}.${delivery.storedAtMs}`;
      const how = { headers, msgID, timeout: PUB_ACK_MS, retries: 1, expect: { streamName: stream.name } };
      await deps.js.publish(subject, delivery.data, how);
      return undefined;
    } catch (error) {
      return { error, isForEver: isTooLarge(error) };
    }
  }

  private setAside(delivery: StreamDelivery, error: unknown): void {
    const text = this.notPut(delivery, error).message;
    this.source.apply(delivery, { do: "dead-letter", reason: "not-serializable", text });
  }

  private notPut({ seq }: StreamDelivery, cause: unknown, then = ""): RuntimeError {
    const { handler, stream } = this.sorting;
    const { source } = stream.division;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `message ${seq} of stream "${source}" cannot be put into the order of handler "${handler}" (stream "${stream.name}"): ${why}${then}`;
    return new RuntimeError("STREAM_REFUSED", message, { handler, cause });
  }

  private pause(ms: number): Promise<void> {
    const { clock } = this.sorting.deps;
    const { signal } = this.gone;
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = clock.after(ms, end);
      signal.addEventListener("abort", end);
    });
  }
}

interface Refusal {
  readonly error: unknown;
  readonly isForEver: boolean;
}

/** With the header that a copy has more. */
function isTooLarge(error: unknown): boolean {
  return error instanceof Error && /max_payload|maximum message size/i.test(`${error.message} ${causeText(error)}`);
}

function causeText({ cause }: Error): string {
  return cause instanceof Error ? cause.message : "";
}
