// What is known of messages that were given back. The server counts every delivery, also one that is given back unrun; so
// for a message that is given back, how many deliveries do not count is written down where every replica finds it: the last
// message of a subject of its own. Written only when something is given back (a shutdown whose grace ran out, mostly), or
// has come to its last attempt after others failed; read only for redeliveries.
//
// A message that has failed for good, and whose dead letter could not be stored, has the failure written down beside it.
// That the last attempt has begun is written down too: one more delivery then says that its host died in it. Without that,
// a delivery beyond the last was handed out to nobody: by a server that had not yet heard that nobody listens any more.

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import { type DeadLetter, lettersOwnHeaders, type ReadLetter, readLetter } from "../dead-letters/dead-letter.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { OwnStreamReader } from "../streams/own-stream-reader.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";

const NS_PER_DAY = 86_400_000_000_000;
const KEPT_DAYS = 30;
const MAX_BYTES = 64 * 1024 ** 2;

export function givenBackStream(app: string): string {
  return `GIVEN_BACK_${app}`;
}

export function givenBackSubjects(app: string): string {
  return `given-back.${app}.>`;
}

export interface GivenBackMessage {
  readonly stream: string;
  readonly durable: string;
  readonly sequence: number;
  /** Keeps messages apart when the stream was made anew and counts from 1 again. */
  readonly storedAtMs: number;
}

export interface GivenBack {
  /** How many deliveries of the message do not count. */
  readonly uncharged: number;
  /** What its dead letter says: the message has failed for good, and is not to be run again. */
  readonly failure: ReadLetter | undefined;
  /** Its last attempt was handed to a worker. */
  readonly lastBegan: boolean;
}

export interface ToWriteDown {
  readonly uncharged: number;
  readonly failure?: DeadLetter | undefined;
  readonly lastBegan?: boolean;
}

const NEVER: GivenBack = { uncharged: 0, failure: undefined, lastBegan: false };
const STORED_AT = "Given-Back-Stored-At";
const LAST_ATTEMPT = "Given-Back-Last-Attempt";
const BEGAN = "began";

export class UnchargedDeliveries {
  private readonly app: string;
  private readonly reader: OwnStreamReader;
  private readonly writer: OwnStreamWriter;

  /** @param copies of the stream, should it have to be made */
  constructor(app: string, js: JetStreamClient, jsm: JetStreamManager, copies: number) {
    this.app = app;
    this.reader = new OwnStreamReader(jsm, givenBackStream(app));
    this.writer = new OwnStreamWriter({ js, ensure: () => ensureGivenBackStream(jsm, app, copies) });
  }

  /** Rejects when it cannot be read. */
  async read(message: GivenBackMessage): Promise<GivenBack> {
    const found = await this.reader.get({ last_by_subj: this.subjectOf(message) });
    if (found === null) return NEVER;
    const storedAt = found.header?.get(STORED_AT) ?? "";
    if (storedAt !== "" && storedAt !== String(message.storedAtMs)) return NEVER;
    const lastBegan = found.header?.get(LAST_ATTEMPT) === BEGAN;
    return { uncharged: Number(found.string()) || 0, failure: readLetter(found.header), lastBegan };
  }

  /** It replaces what was written down of the message before. Rejects when it cannot be written. */
  async write(message: GivenBackMessage, { uncharged, failure, lastBegan }: ToWriteDown): Promise<void> {
    const headers = failure === undefined ? createHeaders() : lettersOwnHeaders(failure);
    headers.set(STORED_AT, String(message.storedAtMs));
    if (lastBegan === true) headers.set(LAST_ATTEMPT, BEGAN);
    await this.writer.publish(this.subjectOf(message), String(uncharged), { headers });
  }

  private subjectOf({ stream, durable, sequence }: GivenBackMessage): string {
    return `given-back.${this.app}.${stream}.${durable}.${sequence}`;
  }
}

export async function ensureGivenBackStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: givenBackStream(app),
    description: `app ${app}: deliveries that were given back unrun and do not count as attempts`,
    subjects: [givenBackSubjects(app)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    max_age: KEPT_DAYS * NS_PER_DAY,
  };
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies });
}
