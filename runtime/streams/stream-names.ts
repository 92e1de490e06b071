// Which streams take a subject, asked of the server, and kept for a while for those who publish.

import { type ApiError, JetStreamApiError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { firstTokenOf, matches } from "../metadata/subject.ts";
import { apiPrefix } from "../nats/api-prefix.ts";
import { domainOf, managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";

/**
 * Names of the streams that take some of what `subject` (a literal or a pattern) stands for. Rejects as the client does,
 * with a JetStreamApiError when JetStream says no.
 */
export async function streamsTaking(
  connection: NatsConnection,
  subject: string,
  domain?: string,
): Promise<readonly string[]> {
  const reply = await connection.request(
    `${apiPrefix(domainOf(connection, domain))}.STREAM.NAMES`,
    JSON.stringify({ subject }),
    {
      timeout: 5_000,
    },
  );
  const { streams, error } = reply.json<{ streams?: string[] | null; error?: ApiError }>();
  if (error !== undefined) throw new JetStreamApiError(error);
  return streams ?? [];
}

/** A stream as somebody who publishes into it sees it. */
export interface TakingStream {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Answers when it has stored a message; without (`no_ack`) nobody learns whether it has. */
  readonly confirms: boolean;
  /** A message may say for how long it is kept (from 2.11). An older server drops the setting. */
  readonly allowsTtl: boolean;
}

interface Known {
  readonly atMs: number;
  readonly streams: readonly TakingStream[];
}

/** What is known of a subject. */
interface Recalled {
  /** Undefined: none takes it. */
  readonly stream: TakingStream | undefined;
  /** No stream takes any subject of its first token. */
  readonly isAlone: boolean;
}

const TAKEN_BY_NONE: Recalled = { stream: undefined, isAlone: true };
const FRESH_MS = 5_000;
const PREFIXES_KEPT = 1_000;

/**
 * The stream of a subject, from memory where possible. What is kept is kept by the subject's first token, so that
 * subjects with ids in them need no request each.
 */
export class StreamLookup {
  private readonly connection: NatsConnection;
  private readonly clock: Clock;
  private readonly known = new Map<string, Known>();
  private readonly asking = new Map<string, Promise<Known>>();

  constructor(connection: NatsConnection, clock: Clock) {
    this.connection = connection;
    this.clock = clock;
  }

  /** Known already, and lately: needs no waiting. */
  recall(subject: string): Recalled | undefined {
    if (lacksJetStream(this.connection)) return TAKEN_BY_NONE;
    const prefix = firstTokenOf(subject);
    const known = this.known.get(prefix);
    if (known === undefined) return undefined;
    // What is stale still serves while it is asked anew.
    if (this.clock.monotonicMs() - known.atMs > FRESH_MS) this.ask(prefix).catch(() => undefined); // Asked again next time.
    return known.streams.length === 0 ? TAKEN_BY_NONE : { stream: streamIn(known, subject), isAlone: false };
  }

  /** Rejects with NATS_REFUSED or STREAM_REFUSED when the server cannot be asked. */
  async find(subject: string): Promise<TakingStream | undefined> {
    const recalled = this.recall(subject);
    if (recalled !== undefined) return recalled.stream;
    return streamIn(await this.ask(firstTokenOf(subject)), subject);
  }

  forget(subject: string): void {
    this.known.delete(firstTokenOf(subject));
  }

  private ask(prefix: string): Promise<Known> {
    const asking = this.asking.get(prefix);
    if (asking !== undefined) return asking;
    const asked = this.load(prefix).finally(() => this.asking.delete(prefix));
    this.asking.set(prefix, asked);
    return asked;
  }

  private async load(prefix: string): Promise<Known> {
    const { connection } = this;
    try {
      const jsm = await managerOf(connection);
      const names = new Set(
        (await Promise.all([streamsTaking(connection, prefix), streamsTaking(connection, `${prefix}.>`)])).flat(),
      );
      const streams = await Promise.all(
        [...names].map(async (name): Promise<TakingStream> => {
          const { config } = await jsm.streams.info(name);
          const { subjects = [], no_ack, allow_msg_ttl } = config;
          return { name, subjects, confirms: no_ack !== true, allowsTtl: allow_msg_ttl === true };
        }),
      );
      const known = { atMs: this.clock.monotonicMs(), streams };
      if (this.known.size >= PREFIXES_KEPT) this.known.clear();
      this.known.set(prefix, known);
      return known;
    } catch (error) {
      throw jetStreamError(error, {
        connection,
        code: "STREAM_REFUSED",
        doing: `the streams of "${prefix}.>" could not be listed`,
      });
    }
  }
}

function streamIn({ streams }: Known, subject: string): TakingStream | undefined {
  return streams.find(({ subjects }) => subjects.some((pattern) => matches(pattern, subject)));
}
