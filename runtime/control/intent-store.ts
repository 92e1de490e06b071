// The KV bucket that keeps what the operator wants of each handler: turning a handler off holds for every replica, and
// survives restarts.

import { DeliverPolicy, type JetStreamClient, type JsMsg } from "@nats-io/jetstream";
import { type KV, Kvm, type KvOptions } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { FirstMessages } from "../message/slow-start.ts";
import { jetStreamOf } from "../nats/jetstream.ts";
import { ApiCode, apiErrorIn, isApiError, mayBeAnsweredLater } from "../nats/jetstream-errors.ts";
import { askForJetStream, isForOthersOnly, lacksJetStream } from "../nats/no-jetstream.ts";
import { ELECTIONS_MS, isNotYet, Patience } from "../nats/patience.ts";
import { REFUSAL_REMEDIES } from "../nats/refusal-remedies.ts";
import { ServerClock } from "../nats/server-clock.ts";
import { type Wish, withinLimits } from "../streams/within-limits.ts";
import type { SaidRollback } from "../versions/rollback.ts";
import type { ReplicaInfo } from "./control-protocol.ts";
import { shareOf } from "./first-messages.ts";
import { type Intent, type IntentMark, isInForce, keyOf, nameOf, readIntent, slowStartOf } from "./intent.ts";

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

/** A request to a cluster that has no leader, for a moment, is lost, and has to be made again. */
const REQUEST_MS = 2_000;
/** A hundred thousand intents. */
const MAX_BYTES = 16 * 1024 ** 2;
const HISTORY = 5;

export function bucketName(app: string): string {
  return `${app}_handlers`;
}

/** The stream that the bucket is kept in. */
export function intentStream(app: string): string {
  return `KV_${bucketName(app)}`;
}

export interface OpenOptions {
  readonly serverClock?: ServerClock;
  /** Of the bucket, should it have to be made. */
  readonly copies?: number;
}

/** Open the app's bucket, made when missing. Rejects with NATS_UNREACHABLE when JetStream does not answer in 30 s. */
export async function openIntentStore(
  connection: NatsConnection,
  app: string,
  clock: Clock,
  { serverClock = new ServerClock(clock), copies = 1 }: OpenOptions = {},
): Promise<IntentStore> {
  await askForJetStream(connection);
  if (lacksJetStream(connection)) throw noJetStream(connection, app);
  return bounded(app, clock, async () => {
    const js = jetStreamOf(connection, { timeout: REQUEST_MS });
    const opening = new Kvm(js);
    await withinLimits({ max_bytes: MAX_BYTES, num_replicas: copies }, (granted) =>
      opening.create(bucketName(app), bucketOptions(granted)),
    );
    const kv = await opening.open(bucketName(app));
    // Asked for last: in a cluster of 2.9 a server that has just made it shows the time of its own copy for a moment.
    const askedAtMs = clock.monotonicMs();
    const { streamInfo } = await kv.status();
    serverClock.observe(timeOf(streamInfo), askedAtMs);
    return new IntentStore(js, kv, streamInfo.created, app, clock, serverClock);
  });
}

function bucketOptions({ max_bytes, num_replicas }: Wish): Partial<KvOptions> {
  return { history: HISTORY, max_bytes: max_bytes ?? MAX_BYTES, replicas: num_replicas ?? 1 };
}

export class IntentStore {
  /** When the bucket was made. */
  readonly bucket: string;
  private readonly js: JetStreamClient;
  private readonly kv: KV;
  private readonly app: string;
  private readonly clock: Clock;
  private readonly serverClock: ServerClock;

  constructor(js: JetStreamClient, kv: KV, bucket: string, app: string, clock: Clock, serverClock: ServerClock) {
    this.js = js;
    this.kv = kv;
    this.bucket = bucket;
    this.app = app;
    this.clock = clock;
    this.serverClock = serverClock;
  }

  /** By the server's clock, as are the times in intents. */
  nowMs(): number {
    return this.serverClock.nowMs();
  }

  /** Resolves with the mark that replicas must have applied. Rejects as `bounded` does. */
  async put(name: string, said: Intent | SaidRollback): Promise<IntentMark> {
    const putting = () => this.kv.put(keyOf(name), JSON.stringify(said));
    return { bucket: this.bucket, name, revision: await bounded(this.app, this.clock, putting) };
  }

  /**
   * Put it only when nothing else has been said since `revision`; 0: when nothing ever was. Resolves with whether it was put.
   * Rejects as `bounded` does.
   */
  async putAfter(name: string, text: string, revision: number): Promise<boolean> {
    const putting = () => this.kv.put(keyOf(name), text, { previousSeq: revision });
    return bounded(this.app, this.clock, putting).then(
      () => true,
      (error: unknown) => {
        if (isApiError(error, ApiCode.wrongLastSequence)) return false; // Another was first.
        throw error;
      },
    );
  }

  /** Take so many of a handler's first messages at most. Resolves with how many may begin. Rejects as `bounded` does. */
  async letThrough(name: string, first: FirstMessages, wanted: number): Promise<number> {
    for (;;) {
      const entry = await bounded(this.app, this.clock, () => this.kv.get(keyOf(name)));
      const intent = entry?.operation === "PUT" ? readIntent(entry.string()) : undefined;
      const { granted, next } = shareOf(intent, first, wanted, this.nowMs());
      if (next === undefined || (await this.putAfter(name, JSON.stringify(next), entry?.revision ?? 0))) return granted;
    }
  }

  /** Everything there is, without a consumer: nothing is made for it. Rejects as `bounded` does. */
  async read(): Promise<KeptIntent[]> {
    return bounded(this.app, this.clock, async () => {
      const { streams } = await this.js.jetstreamManager(false);
      const { state } = await streams.info(this.stream, { subjects_filter: `${this.subjectPrefix}>` });
      const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(this.subjectPrefix.length));
      const entries = await Promise.all(keys.map((key) => this.kv.get(key)));
      return entries.flatMap((entry) => (entry?.operation === "PUT" ? [keptOf(entry, entry.string())] : []));
    });
  }

  /** Intents that turn their handler off now, or have it begin slowly, by handler name. */
  async list(): Promise<Map<string, Intent>> {
    const nowMs = this.nowMs();
    const intents = (await this.read()).map(({ name, text = "" }) => [name, readIntent(text)] as const);
    return new Map(intents.filter(([, intent]) => isInForce(intent, nowMs) || slowStartOf(intent) !== undefined));
  }

  /**
   * Tell everything there is, then every change, until closed; meanwhile `replica` is one of `watchersOf`. Rejects as
   * `bounded` does.
   */
  watch(tell: (kept: KeptIntent) => void, replica: ReplicaInfo): Promise<{ close(): void }> {
    return bounded(this.app, this.clock, () => this.watchOnce(tell, replica));
  }

  private async watchOnce(tell: (kept: KeptIntent) => void, replica: ReplicaInfo): Promise<{ close(): void }> {
    const options = {
      filter_subjects: `${this.subjectPrefix}>`,
      deliver_policy: DeliverPolicy.LastPerSubject,
      description: JSON.stringify(replica),
    };
    const askedAtMs = this.clock.monotonicMs();
    const consumer = await this.js.consumers.getPushConsumer(this.stream, options);
    // Servers before 2.10 tell their time nowhere else.
    this.serverClock.observe((await consumer.info(true)).created, askedAtMs);
    const messages = await consumer.consume({ callback: (message) => tell(this.keptIn(message)) });
    // Whoever watches looks after the bucket's state, and watches again when this has ended.
    return { close: () => messages.stop() };
  }

  private get stream(): string {
    return intentStream(this.app);
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
    const askedAtMs = this.clock.monotonicMs();
    const { streamInfo } = await this.kv.status();
    this.serverClock.observe(timeOf(streamInfo), askedAtMs);
    return { bucket: streamInfo.created, lastRevision: streamInfo.state.last_seq };
  }
}

/** When the server answered; undefined before 2.10. */
function timeOf(info: object): string | undefined {
  const { ts } = info as { ts?: unknown };
  return typeof ts === "string" ? ts : undefined;
}

/** Others may watch the bucket too, as `nats kv watch` does. */
function keptOf({ key, revision }: { key: string; revision: number }, text: string | undefined): KeptIntent {
  return { name: nameOf(key), text, revision };
}

/**
 * The step is begun again while it gets no answer. Rejects with NATS_UNREACHABLE after 30 s, with NATS_REFUSED and the server's
 * words when it is refused.
 */
async function bounded<T>(app: string, clock: Clock, step: () => Promise<T>): Promise<T> {
  const patience = new Patience(clock, ELECTIONS_MS);
  // Another replica makes the bucket, and makes it otherwise: then it is found at the next try.
  const isLater = (error: unknown) => isNotYet(error) || isApiError(error, ApiCode.streamNameInUse);
  try {
    const result = await within(clock, ELECTIONS_MS, patience.surely(step, isLater));
    if (result === "expired") throw bucketFailed(app, undefined);
    return result;
  } catch (error) {
    throw error instanceof RuntimeError ? error : bucketFailed(app, error);
  } finally {
    patience.end();
  }
}

function bucketFailed(app: string, cause: unknown): RuntimeError {
  const bucket = `the bucket "${bucketName(app)}" that says which handlers are disabled`;
  const answered = apiErrorIn(cause);
  if (answered !== undefined && !mayBeAnsweredLater(cause)) {
    const { message, code } = answered;
    return new RuntimeError("NATS_REFUSED", `${bucket} is refused: the server says "${message}" (${code})`, {
      cause,
      remedy:
        REFUSAL_REMEDIES[code] ?? "Check the disk of the server, and the limits and the permissions of this account.",
    });
  }
  const why = cause instanceof Error ? `: ${cause.message}` : ` within ${ELECTIONS_MS / 1_000} s`;
  return new RuntimeError("NATS_UNREACHABLE", `${bucket} does not answer${why}`, {
    cause,
    remedy: "Check JetStream (`nats account info`) and the permissions of this connection.",
  });
}

function noJetStream(connection: NatsConnection, app: string): RuntimeError {
  const [who, how] = isForOthersOnly(connection)
    ? ["this account of the NATS server", "Have JetStream enabled for the account"]
    : ["this NATS server", "Turn JetStream on (`nats-server -js`)"];
  return new RuntimeError("NATS_REFUSED", `${who} has no JetStream, so app "${app}" can keep no intents`, {
    remedy: `${how}, or disable with HANDLERS_DISABLED or \`disabled\` in the metadata.`,
  });
}
