// Subjects stored in a stream that nobody takes: typing mistakes, and handlers still to be written.

import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { matches } from "../metadata/subject.ts";
import { ApiCode, isApiError, jetStreamError } from "./jetstream-errors.ts";

export interface UnclaimedOptions {
  readonly connection: NatsConnection;
  /** Names of the app's streams. One that does not exist has nothing unclaimed. */
  readonly streams: readonly string[];
  /** Subjects that handlers take, of whatever kind, beside the consumers' own filters. */
  readonly taken: readonly string[];
}

export interface UnclaimedSubject {
  readonly stream: string;
  readonly subject: string;
  readonly messages: number;
}

/** Most messages first. Rejects with NATS_REFUSED or STREAM_REFUSED. */
export async function unclaimed(options: UnclaimedOptions): Promise<UnclaimedSubject[]> {
  const found: UnclaimedSubject[] = [];
  for (const stream of options.streams) found.push(...(await unclaimedIn(stream, options)));
  return found.sort((a, b) => b.messages - a.messages);
}

async function unclaimedIn(stream: string, { connection, taken }: UnclaimedOptions): Promise<UnclaimedSubject[]> {
  try {
    const jsm = await jetstreamManager(connection, { checkAPI: false });
    const { state } = await jsm.streams.info(stream, { subjects_filter: ">" });
    const filters = [...taken];
    for await (const { config } of jsm.consumers.list(stream)) {
      const own = config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
      filters.push(...(own.length === 0 || own[0] === "" ? [">"] : own));
    }
    return unclaimedSubjects(state.subjects ?? {}, filters).map((entry) => ({ stream, ...entry }));
  } catch (error) {
    if (isApiError(error, ApiCode.streamNotFound)) return [];
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing: `stream "${stream}" could not be read` });
  }
}

/** The subjects that no filter takes, with their counts. Pure. */
export function unclaimedSubjects(
  counts: Readonly<Record<string, number>>,
  filters: readonly string[],
): { subject: string; messages: number }[] {
  return Object.entries(counts)
    .filter(([subject]) => !filters.some((filter) => matches(filter, subject)))
    .map(([subject, messages]) => ({ subject, messages }));
}
