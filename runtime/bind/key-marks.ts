// What all replicas know of the messages of a key, and who has the lease of a handler: the last message of a subject of the
// handler's, in a stream of ours. Who writes says after what: of two that write at once, one is told that the other was first.

import { createHash } from "node:crypto";
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { handlerTokens } from "../streams/durable-name.ts";
import { OwnRegister } from "../streams/own-register.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { OwnStreamReader } from "../streams/own-stream-reader.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";

const NS_PER_DAY = 86_400_000_000_000;
/** Longer than any time between two messages that an option knows. */
const KEPT_DAYS = 14;
/** The oldest are forgotten then. */
const MAX_BYTES = 256 * 1024 ** 2;
const WRITE_MS = 5_000;
const KEY_DIGITS = 32;
const encoder = new TextEncoder();

export function keyStream(app: string): string {
  return `KEYS_${app}`;
}

/** Of all the handler's marks. */
export function markSubjects(app: string, handler: string): string {
  return `keys.${app}.${handlerTokens(handler)}.*`;
}

/** A key may be anything, and of any length: what stands for it is a token, and short. */
export function keyToken(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, KEY_DIGITS);
}

/** No key has it. */
export const LEASE_TOKEN = "lease";

function markSubject(app: string, handler: string, token: string): string {
  return `keys.${app}.${handlerTokens(handler)}.${token}`;
}

export interface KeptMark {
  /** Undefined: none is kept, or none that can be read. */
  readonly mark: unknown;
  /** Of the message that has it; 0: there is none. */
  readonly revision: number;
}

export interface KeyMarksOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Of the stream, should it have to be made. */
  readonly copies: number;
}

export class KeyMarks {
  private readonly options: KeyMarksOptions;
  private readonly app: string;
  private readonly register: OwnRegister;

  /** Asks the server nothing yet. */
  constructor(options: KeyMarksOptions) {
    const { app, js, jsm, copies } = options;
    this.options = options;
    this.app = app;
    const reader = new OwnStreamReader(jsm, keyStream(app));
    const writer = new OwnStreamWriter({ js, ensure: () => ensureKeyStream(jsm, app, copies) });
    this.register = new OwnRegister(reader, writer, { timeout: WRITE_MS, retries: 1 });
  }

  /** Have the stream be there. Rejects with STREAM_REFUSED or NATS_REFUSED. */
  async ensure(): Promise<void> {
    const { connection, jsm, app, copies } = this.options;
    try {
      await ensureKeyStream(jsm, app, copies);
    } catch (error) {
      const doing = `stream "${keyStream(app)}", for what debounce, throttle and singleton know of messages, could not be set up`;
      throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    }
  }

  /** Rejects with the client's errors. */
  async read(handler: string, token: string): Promise<KeptMark> {
    const { message, revision } = await this.register.read(markSubject(this.app, handler, token));
    return { mark: message === null ? undefined : parsed(message.string()), revision };
  }

  /** Its revision; undefined: somebody has written since. Rejects with the client's errors. */
  async write(handler: string, token: string, mark: unknown, after: number): Promise<number | undefined> {
    const subject = markSubject(this.app, handler, token);
    return this.register.write(subject, encoder.encode(JSON.stringify(mark)), after);
  }
}

async function ensureKeyStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: keyStream(app),
    description: `app ${app}: which message of each key is run (debounce, throttle), and which replica runs a singleton`,
    subjects: [`keys.${app}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    max_age: KEPT_DAYS * NS_PER_DAY,
  };
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Nobody of ours has written it.
  }
}
