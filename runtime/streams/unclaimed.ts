// Subjects stored in a stream that nobody takes: typing mistakes, and handlers still to be written.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Emit } from "../events.ts";
import { matches } from "../metadata/subject.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { isOutputMark } from "./output-stream.ts";

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
    const jsm = await managerOf(connection);
    const stored = await storedIn(jsm, stream);
    const filters = [...taken];
    for await (const { config } of jsm.consumers.list(stream)) {
      const own = config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
      filters.push(...(own.length === 0 || own[0] === "" ? [">"] : own));
    }
    return unclaimedSubjects(stored, filters).map((entry) => ({ stream, ...entry }));
  } catch (error) {
    if (isApiError(error, ApiCode.streamNotFound)) return [];
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing: `stream "${stream}" could not be read` });
  }
}

/** Of a stream with marks of outputs there may be one for each message, and nobody looks for who takes them. */
async function storedIn(jsm: JetStreamManager, stream: string): Promise<Readonly<Record<string, number>>> {
  const { config } = await jsm.streams.info(stream);
  const patterns = config.subjects?.filter((pattern) => !pattern.startsWith("outputs.")) ?? [];
  const asked = patterns.length === (config.subjects?.length ?? 0) ? [">"] : patterns;
  const infos = await Promise.all(asked.map((pattern) => jsm.streams.info(stream, { subjects_filter: pattern })));
  return Object.assign({}, ...infos.map(({ state }) => state.subjects ?? {}));
}

/** The subjects that no filter takes, with their counts. Pure. */
export function unclaimedSubjects(
  counts: Readonly<Record<string, number>>,
  filters: readonly string[],
): { subject: string; messages: number }[] {
  return Object.entries(counts)
    .filter(([subject]) => !isOutputMark(subject) && !filters.some((filter) => matches(filter, subject)))
    .map(([subject, messages]) => ({ subject, messages }));
}

/** For the log of `dev` and `start`: a typing mistake, or a handler still to be written. Never rejects. */
export async function tellUnclaimed(options: {
  readonly connection: NatsConnection;
  readonly streams: readonly string[];
  readonly taken: readonly string[];
  readonly emit: Emit;
}): Promise<void> {
  const { connection, streams, taken, emit } = options;
  // Nothing depends on it: `handlers unclaimed` says why it cannot be known.
  const message = unclaimedText(await unclaimed({ connection, streams, taken }).catch(() => []));
  if (message !== undefined) emit({ type: "runtime.notice", level: "warn", message });
}

const TOLD = 5;

/** One line for the log; undefined when there is nothing to tell. Pure. */
export function unclaimedText(found: readonly UnclaimedSubject[]): string | undefined {
  if (found.length === 0) return undefined;
  const told = found.slice(0, TOLD).map(({ subject, messages }) => `"${subject}" (${messages})`);
  const more = found.length > TOLD ? ` and ${found.length - TOLD} more` : "";
  return `stored, and taken by no handler: ${told.join(", ")}${more}; see \`handlers unclaimed\``;
}
