// Keeps dead letters: publish, await the server's word, only then may the original go.
//
// L1  `keep` resolves true only when the letter is stored.
// L2  A dead letter that could not be handled (by a handler that takes letters) is not kept again: it still is there.
// L3  A stream of this name that exists is used as it is.
// L4  Letters of core messages, which nothing else holds back, are bounded while they are on their way.

import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { ensureStream } from "./add-stream.ts";
import { type DeadLetter, encodeLetter, letterSubject } from "./dead-letter.ts";
import { isApiError, isNoAnswer, jetStreamError } from "./jetstream-errors.ts";
import type { Notices } from "./notices.ts";

export interface DeadLettersOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly notices: Notices;
  /** Told of each letter that is stored. */
  readonly onKept?: ((handler: string) => void) | undefined;
}

const TRIES = 3;
const PUB_ACK_MS = 5_000;
const NS_PER_MINUTE = 60_000_000_000;
const NS_PER_DAY = 1_440 * NS_PER_MINUTE;
const KEPT_DAYS = 30;
const MAX_BYTES = 1024 ** 3;
const DUPLICATE_MINUTES = 60;
const MOST_ON_THE_WAY = 1_024;
const MOST_BYTES_ON_THE_WAY = 32 * 1024 ** 2;

export function deadLetterStream(app: string): string {
  return `DLQ_${app}`;
}

export class DeadLetters {
  private readonly options: DeadLettersOptions;
  private readonly js: JetStreamClient;
  private manager: Promise<JetStreamManager> | undefined;
  private onTheWay = 0;
  private bytesOnTheWay = 0;

  constructor(options: DeadLettersOptions) {
    this.options = options;
    this.js = jetstream(options.connection, { timeout: PUB_ACK_MS });
  }

  /** Whether the letter is stored, now or by an earlier try. Never rejects; what went wrong is told. */
  async keep(letter: DeadLetter): Promise<boolean> {
    const { app, connection, notices } = this.options;
    if (letter.subject.startsWith(`dlq.${app}.`)) return true;
    try {
      const { headers, data, body } = encodeLetter(letter, connection.info?.max_payload ?? Number.POSITIVE_INFINITY);
      const id = await this.publish(letterSubject(app, letter.handler), data, { headers, msgID: letter.id });
      this.options.onKept?.(letter.handler);
      if (body !== "here") this.tellPointer(letter, body);
      const message = `a failed message of handler "${letter.handler}" is kept: \`handlers dlq show ${id}\``;
      notices.tell(`kept ${letter.handler}`, "info", message);
      return true;
    } catch (error) {
      const doing = `a dead letter of handler "${letter.handler}" could not be kept`;
      const { message, remedy } = jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
      notices.tell(`keep ${letter.handler}`, "error", remedy === undefined ? message : `${message}. ${remedy}`);
      return false;
    }
  }

  /** As `keep`; undefined when too many are on their way already: then this one is not kept (L4). */
  keepIfRoom(letter: DeadLetter): Promise<boolean> | undefined {
    const bytes = letter.data.length + (letter.headers?.length ?? 0);
    if (this.onTheWay >= MOST_ON_THE_WAY || this.bytesOnTheWay + bytes > MOST_BYTES_ON_THE_WAY) return undefined;
    this.onTheWay++;
    this.bytesOnTheWay += bytes;
    // A copy: the message is a view of a much larger buffer, which would live as long as the letter is under way.
    return this.keep({ ...letter, data: letter.data.slice() }).finally(() => {
      this.onTheWay--;
      this.bytesOnTheWay -= bytes;
    });
  }

  /** Resolves with the letter's number in its stream. */
  private async publish(
    subject: string,
    data: Uint8Array,
    options: Parameters<JetStreamClient["publish"]>[2],
  ): Promise<number> {
    for (let tries = 1; ; tries++) {
      try {
        return (await this.js.publish(subject, data, options)).seq;
      } catch (error) {
        if (tries === TRIES || isApiError(error)) throw error;
        if (isNoAnswer(error)) await this.ensureStream();
      }
    }
  }

  private async ensureStream(): Promise<void> {
    const { app, connection } = this.options;
    this.manager ??= jetstreamManager(connection, { checkAPI: false });
    await ensureDeadLetterStream(await this.manager, app);
  }

  private tellPointer(letter: DeadLetter, body: "in-stream" | "dropped"): void {
    const where = body === "in-stream" ? `it stays in stream "${letter.stream}" (${letter.sequence})` : "it is lost";
    const message = `a dead letter of handler "${letter.handler}" is too large for the server with its headers; its payload is left out: ${where}`;
    this.options.notices.tell(`pointer ${letter.handler}`, "warn", message);
  }
}

/** L3. */
export async function ensureDeadLetterStream(jsm: JetStreamManager, app: string): Promise<void> {
  const config = {
    name: deadLetterStream(app),
    description: `dead letters of app ${app}`,
    subjects: [`dlq.${app}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: KEPT_DAYS * NS_PER_DAY,
    duplicate_window: DUPLICATE_MINUTES * NS_PER_MINUTE,
  };
  await ensureStream(jsm, config, MAX_BYTES);
}
