// Where replicas reserve the turns of a rate that holds over all of them: the last message of a subject of the handler's, or of one
// of its keys, in a stream of ours. Who writes says after what: of two that reserve at once, one is told that the other was first.
//
// R1  What was written last from here is taken to stand there still: alone, a lot costs one round trip.
// R2  Messages of a key that nobody has reserved turns of for KEPT_MS are forgotten.

import { createHash } from "node:crypto";
import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { FleetRates } from "../message/fleet-rates.ts";
import type { Rate } from "../metadata/handler-metadata.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { handlerTokens } from "../streams/durable-name.ts";
import { OwnRegister } from "../streams/own-register.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { OwnStreamReader } from "../streams/own-stream-reader.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";
import { lotAfter, type Mark } from "./lot.ts";

const MAX_BYTES = 16 * 1024 ** 2;
/** Longer than any turn is ahead of the one before it by far. */
const KEPT_MS = 7 * 86_400_000;
const NS_PER_MS = 1_000_000;
const WRITE_MS = 2_000;
/** So many others may be first, one after the other. */
const TRIES = 50;
const KEY_DIGITS = 32;
/** What is known of more keys is read again. */
const MOST_KNOWN = 10_000;

export function rateStream(app: string): string {
  return `RATES_${app}`;
}

/** Of a handler, and of all its keys: a handler's name has no `=`. */
export function rateSubjects(app: string, handler: string): readonly string[] {
  const subject = `rates.${app}.${handlerTokens(handler)}`;
  return [subject, `${subject}.=.*`];
}

interface Stored extends Mark {
  /** Of the message that has it; 0: there is none. */
  readonly revision: number;
}

export interface RateStoreOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Of the stream, should it have to be made. */
  readonly copies: number;
  /** It is made as soon as a handler has such a rate, so that whoever serves later needs no right to make it. */
  readonly provision: boolean;
  readonly serverClock: ServerClock;
}

/** Asks the server nothing yet. */
export async function createRateStore(options: RateStoreOptions): Promise<FleetRates> {
  return new RateStore(options, await managerOf(options.connection));
}

class RateStore implements FleetRates {
  private readonly options: RateStoreOptions;
  private readonly jsm: JetStreamManager;
  private readonly register: OwnRegister;
  /** R1: by subject. */
  private readonly known = new Map<string, Stored>();

  constructor(options: RateStoreOptions, jsm: JetStreamManager) {
    const { app, copies, connection } = options;
    this.options = options;
    this.jsm = jsm;
    const reader = new OwnStreamReader(jsm, rateStream(app));
    const ensure = () => ensureRateStream(jsm, app, copies);
    const writer = new OwnStreamWriter({ js: jetStreamOf(connection), ensure });
    this.register = new OwnRegister(reader, writer, { timeout: WRITE_MS, retries: 1 });
  }

  prepare(): void {
    const { provision, app, copies } = this.options;
    // Where it cannot be made, whoever reserves turns is told.
    if (provision) ensureRateStream(this.jsm, app, copies).catch(() => undefined);
  }

  async reserve(handler: string, key: string | undefined, rate: Rate, turns: number): Promise<number> {
    const subject = this.subjectOf(handler, key);
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = this.known.get(subject) ?? (await this.read(subject));
      const nowMs = this.options.serverClock.nowMs();
      const lot = lotAfter(stored, rate, turns, nowMs);
      if (await this.write(subject, lot.nextMs, stored?.revision ?? 0))
        return lot.startMs - this.options.serverClock.nowMs();
    }
    throw new Error(`others were first ${TRIES} times in a row`);
  }

  private subjectOf(handler: string, key: string | undefined): string {
    const [own = ""] = rateSubjects(this.options.app, handler);
    if (key === undefined) return own;
    return `${own}.=.${createHash("sha256").update(key).digest("hex").slice(0, KEY_DIGITS)}`;
  }

  private async read(subject: string): Promise<Stored | undefined> {
    const { message, revision } = await this.register.read(subject);
    if (message === null) return undefined;
    return { nextMs: Number(message.string()) || 0, writtenMs: message.time.getTime(), revision };
  }

  /** False: another was first. */
  private async write(subject: string, nextMs: number, after: number): Promise<boolean> {
    this.known.delete(subject);
    const revision = await this.register.write(subject, String(nextMs), after);
    if (revision === undefined) return false;
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    this.known.set(subject, { nextMs, writtenMs: this.options.serverClock.nowMs(), revision });
    return true;
  }
}

async function ensureRateStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: rateStream(app),
    description: `turns that the replicas of app ${app} have reserved of rates that hold over all of them`,
    subjects: [`rates.${app}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    max_age: KEPT_MS * NS_PER_MS,
  };
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies });
}
