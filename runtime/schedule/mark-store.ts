// Where replicas note how far a schedule has been seen to: the last message of a subject of the handler's, in a stream of
// ours. Who writes says after what: of two that write at once, one is told that the other was first.

import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { handlerTokens } from "../streams/durable-name.ts";
import { OwnRegister } from "../streams/own-register.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { OwnStreamReader } from "../streams/own-stream-reader.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";
import { bookText, type MarkBook, type Progress, readBook, withEntry } from "./mark-book.ts";
import type { Mark, Marks } from "./ticker.ts";

const MAX_BYTES = 16 * 1024 ** 2;
const WRITE_MS = 5_000;

export function scheduleStream(app: string): string {
  return `SCHEDULE_${app}`;
}

export function markSubject(app: string, handler: string): string {
  return `schedule.${app}.${handlerTokens(handler)}`;
}

interface StoredMark extends Mark {
  readonly book: MarkBook;
  /** Of the message that has it; 0: there is none. */
  readonly revision: number;
}

export interface MarkStoreOptions {
  readonly app: string;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Of the stream, should it have to be made. */
  readonly copies: number;
}

export class MarkStore {
  private readonly options: MarkStoreOptions;
  private readonly register: OwnRegister;

  constructor(options: MarkStoreOptions) {
    const { js, jsm, app, copies } = options;
    this.options = options;
    const reader = new OwnStreamReader(jsm, scheduleStream(app));
    const writer = new OwnStreamWriter({ js, ensure: () => ensureScheduleStream(jsm, app, copies) });
    this.register = new OwnRegister(reader, writer, { timeout: WRITE_MS, retries: 1 });
  }

  /** @param schedule its fingerprint. What it gives rejects with the client's errors. */
  marksOf(handler: string, schedule: string): Marks<StoredMark> {
    const subject = markSubject(this.options.app, handler);
    return {
      read: () => this.read(subject, schedule),
      write: (progress, after) => this.write(subject, schedule, progress, after),
    };
  }

  private async read(subject: string, schedule: string): Promise<StoredMark> {
    const { message, revision } = await this.register.read(subject);
    const book = message === null ? [] : readBook(message.string());
    const progress = book.find((entry) => entry.schedule === schedule);
    return { progress, isNewest: book[0] === progress, book, revision };
  }

  private async write(
    subject: string,
    schedule: string,
    progress: Progress,
    { book, revision }: StoredMark,
  ): Promise<boolean> {
    const text = bookText(withEntry(book, { schedule, ...progress }));
    return (await this.register.write(subject, text, revision)) !== undefined;
  }
}

export async function ensureScheduleStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: scheduleStream(app),
    description: `how far the schedules of app ${app} have been seen to`,
    subjects: [`schedule.${app}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
  };
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies });
}

/** Rejects with STREAM_REFUSED or NATS_REFUSED. Without JetStream there is none. */
export async function provisionSchedules(connection: NatsConnection, app: string, copies: number): Promise<void> {
  if (lacksJetStream(connection)) return;
  try {
    await ensureScheduleStream(await managerOf(connection), app, copies);
  } catch (error) {
    const doing = `stream "${scheduleStream(app)}", for what schedules have seen to, could not be set up`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}
