// Deliveries that are not to be charged. The server counts every delivery, also one that is given back unrun; so for a
// message that is given back, how many deliveries do not count is written down where every replica finds it: the last
// message of a subject of its own. Written only when something is given back (a shutdown whose grace ran out, mostly),
// read only for redeliveries.

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { ensureStream } from "./add-stream.ts";
import { ApiCode, isApiError, isNoAnswer } from "./jetstream-errors.ts";

const NS_PER_DAY = 86_400_000_000_000;
const KEPT_DAYS = 30;
const MAX_BYTES = 64 * 1024 ** 2;

export function givenBackStream(app: string): string {
  return `GIVEN_BACK_${app}`;
}

export function givenBackSubjects(app: string): string {
  return `given-back.${app}.>`;
}

export class GivenBack {
  private readonly app: string;
  private readonly js: JetStreamClient;
  private readonly jsm: JetStreamManager;
  private readonly stream: string;

  constructor(app: string, js: JetStreamClient, jsm: JetStreamManager) {
    this.app = app;
    this.js = js;
    this.jsm = jsm;
    this.stream = givenBackStream(app);
  }

  /** How many deliveries of the message do not count. Rejects when it cannot be read. */
  async count(stream: string, durable: string, seq: number): Promise<number> {
    const query = { last_by_subj: this.subjectOf(stream, durable, seq) };
    const found = await this.jsm.streams.getMessage(this.stream, query).catch((error: unknown) => {
      if (isApiError(error, ApiCode.streamNotFound, ApiCode.messageNotFound)) return null;
      throw error;
    });
    return found === null ? 0 : Number(found.string()) || 0;
  }

  /** Write down that so many deliveries of it do not count. Rejects when it cannot be written. */
  async set(stream: string, durable: string, seq: number, count: number): Promise<void> {
    const write = () => this.js.publish(this.subjectOf(stream, durable, seq), String(count), { retries: 1 });
    try {
      await write();
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      await ensureGivenBackStream(this.jsm, this.app);
      await write();
    }
  }

  private subjectOf(stream: string, durable: string, seq: number): string {
    return `given-back.${this.app}.${stream}.${durable}.${seq}`;
  }
}

export async function ensureGivenBackStream(jsm: JetStreamManager, app: string): Promise<void> {
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
  await ensureStream(jsm, config, MAX_BYTES);
}
