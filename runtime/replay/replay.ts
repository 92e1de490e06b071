// Sends stored messages again, to one handler: copies of them go the way of dead letters that are redriven.
//
// Y1  Only that handler gets them, in a share of its slots (bind/redrive-source.ts, R2), and nothing of the stream is changed.
// Y2  A copy is called by its message, and the stream of redrives remembers that for a day, or as long as the server lets it:
//     who runs a replay twice, or goes on with one that was stopped, has each message run once.
// Y3  Few are on their way at a time (copies-under-way.ts); for a handler that runs one message at a time, one.
// Y4  Without a rate it leaves time to newer messages (rests.ts).

import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import { encodeReplay, redriveSubject } from "../dead-letters/dead-letter.ts";
import { ensureRedriveStream } from "../dead-letters/redrive.ts";
import { redriveStream } from "../dead-letters/redrive-watch.ts";
import { messageIdOf, replayIdOf } from "../message/message-id.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import type { StoredIn } from "../streams/stored-messages.ts";
import { CopiesUnderWay } from "./copies-under-way.ts";
import { Placeholder } from "./placeholder.ts";
import { Rests } from "./rests.ts";

export interface ReplayOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly handler: string;
  /** Of the JetStream that has the messages; undefined: that of the account, which has the stream of redrives. */
  readonly domain: string | undefined;
  /** Of the stream of redrives, should it have to be made. */
  readonly copies: number;
  readonly oneAtATime: boolean;
  /** Most messages. */
  readonly limit: number;
  /** Messages per second; undefined: as fast as the handler takes them. */
  readonly rate: number | undefined;
  /** Y2: what tells this replay from earlier ones; undefined: what they have sent is not sent again. */
  readonly again: string | undefined;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (soFar: ReplayResult) => void;
  /** `waiting` copies wait, and the handler has not been done with one for a while. */
  readonly onStall?: (waiting: number) => void;
}

export interface ReplayResult {
  readonly sent: number;
  /** Y2: an earlier replay has sent them. */
  readonly before: number;
  /** With our headers they are larger than the server takes. */
  readonly tooLarge: number;
  /** The last of all these. */
  readonly last: { readonly stream: string; readonly seq: number; readonly atMs: number } | undefined;
}

export interface ReplayEnd extends ReplayResult {
  /** Copies the handler is not done with, and dead letters of it on the same way. */
  readonly waiting: number;
  /** How long it is remembered what was sent, in milliseconds. */
  readonly rememberedMs: number;
}

const MOST_UNDER_WAY = 128;
const TRIES = 3;
const NS_PER_MS = 1_000_000;

/** In their order. Resolves when all are stored for the handler, or when stopped. Rejects with the client's errors. */
export async function replay(messages: AsyncIterable<StoredIn>, options: ReplayOptions): Promise<ReplayEnd> {
  const { connection, app, clock, limit, rate, signal } = options;
  const jsm = await managerOf(connection);
  await ensureRedriveStream(jsm, app, options.copies);
  const placeholder = new Placeholder(jsm, jetStreamOf(connection), app);
  await placeholder.put();
  try {
    const sender = new Sender(jsm, options);
    const startedAtMs = clock.monotonicMs();
    let count = 0;
    for await (const { stream, message } of messages) {
      if (signal?.aborted || count >= limit) break;
      const aheadMs = rate === undefined ? 0 : startedAtMs + (count / rate) * 1_000 - clock.monotonicMs();
      if (aheadMs > 0) await sender.confirmed();
      if (aheadMs > 0) await delay(clock, aheadMs, signal);
      if (!(await sender.send(stream, message))) break;
      await placeholder.follow();
      count++;
    }
    await sender.confirmed();
    return { ...sender.result, ...(await sender.way()) };
  } finally {
    await placeholder.remove();
  }
}

class Sender {
  result: ReplayResult = { sent: 0, before: 0, tooLarge: 0, last: undefined };
  private readonly options: ReplayOptions;
  private readonly jsm: JetStreamManager;
  private readonly js: ReturnType<typeof jetStreamOf>;
  private readonly subject: string;
  private readonly underWay: CopiesUnderWay;
  private readonly startedAtMs: number;
  private unconfirmed: Promise<"sent" | "before">[] = [];
  private unconfirmedLast: ReplayResult["last"];
  private readonly rests: Rests | undefined;

  constructor(jsm: JetStreamManager, options: ReplayOptions) {
    const { connection, app, handler, clock, oneAtATime, signal, onStall } = options;
    this.options = options;
    this.jsm = jsm;
    this.js = jetStreamOf(connection);
    this.subject = redriveSubject(app, handler);
    this.startedAtMs = clock.nowMs();
    this.rests = options.rate === undefined ? new Rests(clock, signal) : undefined;
    let seen = 0;
    const waiting = async () => {
      seen = (await this.way()).waiting;
      return seen;
    };
    const most = oneAtATime ? 1 : MOST_UNDER_WAY;
    this.underWay = new CopiesUnderWay({ clock, waiting, most, signal, onStall: () => onStall?.(seen) });
  }

  /** False when stopped before. */
  async send(stream: string, message: StoredMsg): Promise<boolean> {
    const { signal } = this.options;
    const { seq, data, time } = message;
    if (this.underWay.isFull(data.length)) {
      await this.confirmed();
      await this.underWay.room(data.length);
      this.rests?.turn();
    }
    await this.rests?.before();
    if (signal?.aborted) return false;
    this.unconfirmedLast = { stream, seq, atMs: time.getTime() };
    const copy = this.copyOf(stream, message);
    if (copy === undefined) {
      this.result = { ...this.result, tooLarge: this.result.tooLarge + 1 };
      return true;
    }
    this.underWay.add(data.length);
    const stored = this.js.publish(this.subject, copy.data, { ...copy.options, retries: TRIES });
    const ended = stored.then(({ duplicate }) => (duplicate ? "before" : "sent"));
    ended.catch(() => undefined); // Told where it is waited for.
    this.unconfirmed.push(ended);
    if (this.unconfirmed.length >= this.underWay.lot) await this.confirmed();
    return true;
  }

  /** All that was sent is stored. */
  async confirmed(): Promise<void> {
    const ended = await Promise.all(this.unconfirmed.splice(0));
    const before = ended.filter((end) => end === "before").length;
    const { result } = this;
    const sent = result.sent + ended.length - before;
    this.result = { ...result, sent, before: result.before + before, last: this.unconfirmedLast };
    this.options.onProgress?.(this.result);
  }

  async way(): Promise<Pick<ReplayEnd, "waiting" | "rememberedMs">> {
    const name = redriveStream(this.options.app);
    const { state, config } = await this.jsm.streams.info(name, { subjects_filter: this.subject });
    return {
      waiting: state.subjects?.[this.subject] ?? 0,
      rememberedMs: config.duplicate_window / NS_PER_MS,
    };
  }

  private copyOf(stream: string, { subject, seq: sequence, time, header, data }: StoredMsg) {
    const { connection, handler, domain, again } = this.options;
    const storedAtMs = time.getTime();
    const place = { handler, subject, stream, sequence, storedAtMs, replayedAtMs: this.startedAtMs };
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const copy = encodeReplay({ ...place, headers: header, data }, most);
    // Its handler would look for it in the account's own JetStream.
    if (copy === undefined || (copy.data.length < data.length && domain !== undefined)) return undefined;
    const prefix = domain === undefined ? `${stream}:` : `${domain}/${stream}:`;
    const msgID = replayIdOf(handler, messageIdOf(prefix, sequence, storedAtMs), again);
    return { data: copy.data, options: { headers: copy.headers, msgID } };
  }
}
