// The stream in which the schedules are kept that handlers make while they run: one message for each key.

import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Emit } from "../events.ts";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";

const MAX_BYTES = 256 * 1024 ** 2;

export function timetableStream(app: string): string {
  return `TIMETABLE_${app}`;
}

export function entrySubject(app: string, token: string): string {
  return `timetable.${app}.key.${token}`;
}

export function entrySubjects(app: string): string {
  return entrySubject(app, "*");
}

/** Heard by all replicas when one has changed a schedule: the message is its token. */
export function changedSubject(app: string): string {
  return `timetable.${app}.changed`;
}

export async function ensureTimetable(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: timetableStream(app),
    description: `schedules that handlers of app ${app} have made`,
    subjects: [entrySubjects(app)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // Full: a new one is refused. None that is there is pushed out, and each can still be replaced.
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
  };
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies });
}

export interface TimetableProvision {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly copies: number;
  /** Asks again while there is no answer now. */
  readonly surely: (step: () => Promise<void>) => Promise<void>;
  readonly emit: Emit;
}

/** Where it cannot be made that is told: nothing else waits for it. Without JetStream there is none. */
export async function provisionTimetable({ connection, app, copies, surely, emit }: TimetableProvision): Promise<void> {
  if (lacksJetStream(connection)) return;
  try {
    await surely(async () => ensureTimetable(await managerOf(connection), app, copies));
  } catch (error) {
    const doing = `stream "${timetableStream(app)}", for the schedules that handlers make, could not be set up`;
    const { message } = jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    emit({ type: "runtime.notice", level: "warn", message: `${message}; ctx.schedule is refused until it is there` });
  }
}
