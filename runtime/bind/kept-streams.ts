// The streams in which the runtime keeps records of its own. Each is made when first needed; `start --provision` makes
// them beforehand, so that whoever serves later needs no right to make any.

import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { deadLetterStream, ensureDeadLetterStream } from "./dead-letters.ts";
import { ensureGivenBackStream, givenBackStream } from "./given-back.ts";
import { jetStreamError } from "./jetstream-errors.ts";
import { ensureRedriveStream } from "./redrive.ts";
import { redriveStream } from "./redrive-watch.ts";

export function keptStreams(app: string): readonly string[] {
  return [deadLetterStream(app), redriveStream(app), givenBackStream(app)];
}

/** Those that exist stay as they are. Rejects with STREAM_REFUSED or NATS_REFUSED. Without JetStream there are none. */
export async function ensureKeptStreams(connection: NatsConnection, app: string): Promise<void> {
  if (connection.info?.jetstream !== true) return;
  try {
    const jsm = await jetstreamManager(connection, { checkAPI: false });
    await ensureDeadLetterStream(jsm, app);
    await ensureRedriveStream(jsm, app);
    await ensureGivenBackStream(jsm, app);
  } catch (error) {
    const doing = `the streams for dead letters and redrives of app "${app}" could not be set up`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}
