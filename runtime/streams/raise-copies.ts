// Streams that were made with fewer copies than they are to have, as before there was a cluster, are kept in more.

import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import { managerOf } from "../nats/jetstream.ts";
import { isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import type { Patience } from "../nats/patience.ts";
import { changeStream } from "./change-stream.ts";

export interface RaiseOptions {
  readonly connection: NatsConnection;
  /** Names; those that are not there are passed over. */
  readonly streams: readonly string[];
  readonly copies: number;
  /** Somebody asks for so many, so that too few servers are worth a word. */
  readonly isStated: boolean;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly emit: Emit;
}

const TOO_FEW_SERVERS = [10005, 10074, 10120, 10023, 10028, 10047];

/** Never rejects: what cannot be raised is told. A server without a cluster is asked nothing. */
export async function raiseCopies(options: RaiseOptions): Promise<void> {
  const { connection, streams, copies, patience } = options;
  if (copies <= 1 || connection.info?.cluster === undefined) return;
  const jsm = await managerOf(connection);
  for (const name of streams) {
    // Not there, or not to be seen now: another start looks again.
    const info = await patience.surely(() => jsm.streams.info(name)).catch(() => undefined);
    if (info !== undefined && info.config.num_replicas < copies) await raise(jsm, info, options);
  }
}

async function raise(jsm: JetStreamManager, { config }: StreamInfo, options: RaiseOptions): Promise<void> {
  const { connection, copies, isStated, patience, clock, emit } = options;
  const { name, num_replicas: before } = config;
  try {
    const isChanged = await patience.surely(() =>
      changeStream(jsm, name, clock, ({ num_replicas }) =>
        num_replicas < copies ? { num_replicas: copies } : undefined,
      ),
    );
    if (!isChanged) return; // Another replica was first.
    const message = `stream "${name}" is kept in ${copies} copies now, before in ${before}`;
    emit({ type: "runtime.notice", level: "info", message });
  } catch (error) {
    if (connection.isClosed() || (!isStated && isApiError(error, ...TOO_FEW_SERVERS))) return;
    const doing = `stream "${name}" has ${before === 1 ? "one copy" : `${before} copies`}, so it is away while its server is, and could not be given ${copies}`;
    const { message, remedy } = jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    const how = remedy ?? "Start once with --provision as a user who may change it.";
    emit({ type: "runtime.notice", level: "warn", message: `${message}. ${how}` });
  }
}
