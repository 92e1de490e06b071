// The KV bucket that keeps what the operator wants of each handler: turning a handler off holds for every replica, and
// survives restarts.

import { DeliverPolicy, type JetStreamClient, type JsMsg, jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { mayBeAnsweredLater } from "../bind/jetstream-errors.ts";
import { lacksJetStream } from "../bind/no-jetstream.ts";
import { type Clock, delay, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { ReplicaInfo } from "./control-protocol.ts";
import { type Intent, isInForce, keyOf, nameOf, readIntent } from "./intent.ts";

/** Which version of which handler's intent, of which bucket: one that is made anew counts from 1 again. */
export interface IntentMark {
  readonly bucket: string;
  readonly name: string;
  readonly revision: number;
}

/** A state of the bucket as a whole. */
export interface BucketState {
  /** When it was made: another time is another bucket. */
  readonly bucket: string;
  readonly lastRevision: number;
}

export interface KeptIntent {
  readonly name: string;
  readonly text: string | undefined;
  readonly revision: number;
}

const OPEN_MS = 10_000;
const REQUEST_MS = 5_000;
/** While the bucket is opened: a request to a cluster that has no leader yet is lost, and has to be made again. */
const OPEN_REQUEST_MS = 2_000;
const ASK_AGAIN_MS = 250;

export function bucketName(app: string): string {
  return `${app}_handlers`;
}

/** Open the app's bucket, made when missing. Rejects with NATS_UNREACHABLE when JetStream does not answer in 10 s. */
export async function openIntentStore(connection: NatsConnection, app: string, clock: Clock): Promise<IntentStore> {
  if (lacksJetStream(connection)) throw noJetStream(app);
  const giveUp = new AbortController();
  const open = async () => {
    const opening = new Kvm(jetstream(connection, { timeout: OPEN_REQUEST_MS }));
    const { streamInfo } = await (await opening.create(bucketName(app), { history: 5 })).status();
    const js = jetstream(connection, { timeout: REQUEST_MS });
    const kv = await new Kvm(js).open(bucketName(app));
    return new IntentStore(js, kv, streamInfo.created, app, clock);
  };
  try {
    return await bounded(app, clock, () => untilAnswered(clock, giveUp.signal, open));
  } finally {
    giveUp.abort();
  }
}

/** JetStream may have only just come: what it cannot answer yet is asked again. */
async function untilAnswered<T>(clock: Clock, giveUp: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!mayBeAnsweredLater(error)) throw error;
      await delay(clock, ASK_AGAIN_MS, giveUp);
      if (giveUp.aborted) throw error;
    }
  }
}

export class IntentStore {
  /** When the bucket was made. */
  readonly bucket: string;
  private readonly js: JetStreamClient;
  private readonly kv: KV;
  private readonly app: string;
  private readonly clock: Clock;

  constructor(js: JetStreamClient, kv: KV, bucket: string, app: string, clock: Clock) {
    this.js = js;
    this.kv = kv;
    this.bucket = bucket;
    this.app = app;
    this.clock = clock;
  }

  /** Resolves with the mark that replicas must have applied. */
  async put(name: string, intent: Intent): Promise<IntentMark> {
    const revision = await this.kv.put(keyOf(name), JSON.stringify(intent));
    return { bucket: this.bucket, name, revision };
  }

  /** Put it only when nothing else has been said since `revision`; 0: when nothing ever was. Resolves with whether it was put. */
  async putAfter(name: string, text: string, revision: number): Promise<boolean> {
    return this.kv.put(keyOf(name), text, { previousSeq: revision }).then(
      () => true,
      () => false, // Another was first.
    );
  }

  /** Everything there is. Rejects with NATS_UNREACHABLE when that takes more than 10 s. */
  async read(): Promise<KeptIntent[]> {
    return bounded(this.app, this.clock, async () => {
      const keys: string[] = [];
      for await (const key of await this.kv.keys()) keys.push(key);
      const entries = await Promise.all(keys.map((key) => this.kv.get(key)));
      return entries.flatMap((entry) => (entry?.operation === "PUT" ? [keptOf(entry, entry.string())] : []));
    });
  }

  /** Intents that turn their handler off now, by handler name. */
  async list(): Promise<Map<string, Intent>> {
    const nowMs = this.clock.nowMs();
    const intents = (await this.read()).map(({ name, text = "" }) => [name, readIntent(text)] as const);
    return new Map(intents.filter(([, intent]) => isInForce(intent, nowMs)));
  }

  /**
   * Tell everything there is, then every change, until closed; meanwhile `replica` is one of `watchersOf`. Rejects when
   * the watch cannot be set up.
   */
  async watch(tell: (kept: KeptIntent) => void, replica: ReplicaInfo): Promise<{ close(): void }> {
    const options = {
      filter_subjects: `${this.subjectPrefix}>`,
      deliver_policy: DeliverPolicy.LastPerSubject,
      description: JSON.stringify(replica),
    };
    const consumer = await this.js.consumers.getPushConsumer(this.stream, options);
    const messages = await consumer.consume({ callback: (message) => tell(this.keptIn(message)) });
    // Whoever watches looks after the bucket's state, and watches again when this has ended.
    return { close: () => messages.stop() };
  }

  private get stream(): string {
    return `KV_${bucketName(this.app)}`;
  }

  private get subjectPrefix(): string {
    return `$KV.${bucketName(this.app)}.`;
  }

  private keptIn(message: JsMsg): KeptIntent {
    const key = message.subject.slice(this.subjectPrefix.length);
    // Deleted and purged keys say so in a header.
    const isThere = !message.headers?.has("KV-Operation");
    return keptOf({ key, revision: message.seq }, isThere ? message.string() : undefined);
  }

  /** Rejects while the bucket is not there. */
  async state(): Promise<BucketState> {
    const { streamInfo } = await this.kv.status();
    return { bucket: streamInfo.created, lastRevision: streamInfo.state.last_seq };
  }
}

/** Others may watch the bucket too, as `nats kv watch` does. */
function keptOf({ key, revision }: { key: string; revision: number }, text: string | undefined): KeptIntent {
  return { name: nameOf(key), text, revision };
}

/** Rejects with NATS_UNREACHABLE when the step takes more than 10 s, or fails for another reason than ours. */
export async function bounded<T>(app: string, clock: Clock, step: () => Promise<T>): Promise<T> {
  const result = await within(clock, OPEN_MS, step()).catch((error: unknown) => {
    throw error instanceof RuntimeError ? error : unreachable(app, error);
  });
  if (result === "expired") throw unreachable(app, undefined);
  return result;
}

function unreachable(app: string, cause: unknown): RuntimeError {
  const why = cause instanceof Error ? `: ${cause.message}` : ` within ${OPEN_MS / 1_000} s`;
  return new RuntimeError(
    "NATS_UNREACHABLE",
    `the bucket "${bucketName(app)}" that says which handlers are disabled does not answer${why}`,
    {
      cause,
      remedy:
        "Nothing is served rather than what was turned off. Check JetStream and the permissions of this connection.",
    },
  );
}

function noJetStream(app: string): RuntimeError {
  return new RuntimeError("NATS_REFUSED", `this NATS server has no JetStream, so app "${app}" can keep no intents`, {
    remedy: "Turn JetStream on (`nats-server -js`), or disable with HANDLERS_DISABLED or `disabled` in the metadata.",
  });
}
