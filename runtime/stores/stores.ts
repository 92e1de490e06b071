// Carries out what handlers ask of buckets.
//
// B1  While disconnected a call waits, at most as long as its own timeout and WAIT_UP_MS.
// B2  A bucket that is not there is made where streams are made too (`dev`, `start --provision`); else it is said.
//     The one of `ctx.once` is the app's own, and made everywhere.
// B3  What has begun and is not answered in time may have been done all the same: it is 504, as for a publish.

import type { JetStreamClient } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, within } from "../clock.ts";
import type { Emit } from "../events.ts";
import { onceBucket } from "../message/once-record.ts";
import type { StoreAnswer, StoreCall } from "../message/store-call.ts";
import type { ConnectionState } from "../nats/connection-state.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, isNoAnswer } from "../nats/jetstream-errors.ts";
import { findStream } from "../streams/make-stream.ts";
import { type Bucket, streamOf } from "./bucket-streams.ts";
import { askKv, makeKvBucket } from "./kv-calls.ts";
import { ensureOnceBucket } from "./once-bucket.ts";
import { noAnswerIn, noBucket, notConnected, refusalOf, tooLarge } from "./store-refusals.ts";

const WAIT_UP_MS = 5_000;

export interface LargeBucket {
  readonly bucket: string;
  readonly ttlMs: number;
}

export interface StoresOptions {
  readonly connection: NatsConnection;
  readonly state: Pick<ConnectionState, "up">;
  readonly app: string;
  /** Buckets that are not there are made. */
  readonly provision: boolean;
  readonly copies: number;
  /** Of what is too large for messages: made with that time to live. */
  readonly large?: LargeBucket | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

export class Stores {
  private readonly options: StoresOptions;

  constructor(options: StoresOptions) {
    this.options = options;
  }

  /** Never rejects. Codes: those of `KvBucket` (sdk/stores.ts). */
  async call(call: StoreCall): Promise<StoreAnswer> {
    const { state, clock, connection } = this.options;
    const endsAtMs = clock.monotonicMs() + call.timeoutMs;
    if (!(await state.up(Math.min(call.timeoutMs, WAIT_UP_MS)))) return notConnected(call);
    const limit = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (call.store === "kv" && call.value.length > limit) return tooLarge(call, limit);
    const over = new AbortController();
    const answer = await within(clock, Math.max(0, endsAtMs - clock.monotonicMs()), this.ask(call, over.signal));
    over.abort();
    return answer === "expired" ? noAnswerIn(call) : answer;
  }

  /** Those that are not there. Rejects as JetStream does. */
  async make(buckets: readonly Bucket[]): Promise<void> {
    const manager = await managerOf(this.options.connection);
    for (const bucket of buckets) {
      if ((await findStream(manager, streamOf(bucket))) === undefined) await this.makeOne(bucket);
    }
  }

  private async ask(call: StoreCall, over: AbortSignal): Promise<StoreAnswer> {
    const js = jetStreamOf(this.options.connection, { timeout: call.timeoutMs });
    try {
      return await askOnce(js, call, over);
    } catch (error) {
      try {
        if (!(await this.isMissing(call, error))) return refusalOf(call, error);
        if (!this.options.provision && !this.isOnces(call)) return noBucket(call);
        await this.makeOne(call);
        return await askOnce(js, call, over);
      } catch (again) {
        return refusalOf(call, again);
      }
    }
  }

  /** Nobody answers to what is written to a bucket that is not there, nor where JetStream is out of order. */
  private async isMissing(call: StoreCall, error: unknown): Promise<boolean> {
    if (isApiError(error, ApiCode.streamNotFound)) return true;
    if (!isNoAnswer(error)) return false;
    return (await findStream(await managerOf(this.options.connection), streamOf(call))) === undefined;
  }

  private isOnces({ store, bucket }: Bucket): boolean {
    return store === "kv" && bucket === onceBucket(this.options.app);
  }

  /** B2. */
  private async makeOne({ store, bucket }: Bucket): Promise<void> {
    const { connection, app, copies, large, emit } = this.options;
    if (this.isOnces({ store, bucket })) return ensureOnceBucket(await managerOf(connection), app, copies);
    const js = jetStreamOf(connection);
    if (store === "kv") await makeKvBucket(js, bucket, copies);
    else
      await (await import("./object-calls.ts")).makeObjectBucket(js, bucket, {
        copies,
        ttlMs: bucket === large?.bucket ? large.ttlMs : 0,
      });
    const message = `made ${store === "kv" ? "the kv bucket" : "the object bucket"} "${bucket}", which handlers use and which was not there`;
    emit({ type: "runtime.notice", level: "info", message });
  }
}

/** What objects need is loaded with the first of them. */
async function askOnce(js: JetStreamClient, call: StoreCall, over: AbortSignal): Promise<StoreAnswer> {
  if (call.store === "kv") return askKv(js, call);
  const { askObjects } = await import("./object-calls.ts");
  return askObjects(js, call, over);
}
