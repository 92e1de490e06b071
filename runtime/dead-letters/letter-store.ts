// One try to store a dead letter.
//
// E1  The letter is stored last: what it names is there (A3 of dead-letter.ts).
// E2  A stream of this name that exists is used as it is.

import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";
import { type DeadLetter, encodeLetter, letterSubject, locateParts, partSubject } from "./dead-letter.ts";

const PUB_ACK_MS = 5_000;
const NS_PER_MINUTE = 60_000_000_000;
const NS_PER_DAY = 1_440 * NS_PER_MINUTE;
const KEPT_DAYS = 30;
const MAX_BYTES = 1024 ** 3;
const DUPLICATE_MINUTES = 60;
/** Of the headers that carry a message id. */
const ID_BYTES = 512;

export function deadLetterStream(app: string): string {
  return `DLQ_${app}`;
}

/** Parts that are stored already, so that another try does not store them again. */
export interface StoredParts {
  payload?: number;
  headers?: number;
}

export class LetterStore {
  private readonly connection: NatsConnection;
  private readonly app: string;
  private readonly copies: number;
  private readonly writer: OwnStreamWriter;
  private manager: Promise<JetStreamManager> | undefined;

  /** @param copies of the stream, should it have to be made */
  constructor(connection: NatsConnection, app: string, copies: number) {
    this.connection = connection;
    this.app = app;
    this.copies = copies;
    const js = jetStreamOf(connection, { timeout: PUB_ACK_MS });
    this.writer = new OwnStreamWriter({ js, ensure: () => this.ensure() });
  }

  /** Resolves with the letter's number in its stream. Rejects with the client's errors. */
  async store(letter: DeadLetter, parts: StoredParts): Promise<number> {
    const { headers, data, apart } = encodeLetter(letter, this.maxPayload);
    if (apart.payload !== undefined) parts.payload ??= await this.storePart(letter, "payload", apart.payload);
    if (apart.headers !== undefined) parts.headers ??= await this.storePart(letter, "headers", apart.headers);
    locateParts(headers, parts);
    const { seq } = await this.writer.publish(letterSubject(this.app, letter.handler), data, {
      headers,
      msgID: letter.id,
    });
    return seq;
  }

  /** Its id is a header, for which there may be no room. */
  private async storePart(letter: DeadLetter, part: keyof StoredParts, bytes: Uint8Array): Promise<number> {
    const id = bytes.length + ID_BYTES <= this.maxPayload ? { msgID: `${letter.id}:${part}` } : {};
    const { seq } = await this.writer.publish(partSubject(this.app, letter.handler), bytes, id);
    return seq;
  }

  private get maxPayload(): number {
    return this.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  private async ensure(): Promise<void> {
    this.manager ??= managerOf(this.connection);
    await ensureDeadLetterStream(await this.manager, this.app, this.copies);
  }
}

/** E2. */
export async function ensureDeadLetterStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: deadLetterStream(app),
    description: `dead letters of app ${app}`,
    subjects: [`dlq.${app}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: KEPT_DAYS * NS_PER_DAY,
  };
  const duplicate_window = DUPLICATE_MINUTES * NS_PER_MINUTE;
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies, duplicate_window });
}
