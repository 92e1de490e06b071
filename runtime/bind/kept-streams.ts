// The streams in which the runtime keeps records of its own. Each is made when first needed; `start --provision` makes
// them beforehand, so that whoever serves later needs no right to make any.

import type { NatsConnection } from "@nats-io/transport-node";
import { deadLetterStream, ensureDeadLetterStream } from "../dead-letters/letter-store.ts";
import { ensureRedriveStream } from "../dead-letters/redrive.ts";
import { redriveStream } from "../dead-letters/redrive-watch.ts";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { ensureGivenBackStream, givenBackStream } from "./uncharged-deliveries.ts";

export function keptStreams(app: string): readonly string[] {
  return [deadLetterStream(app), redriveStream(app), givenBackStream(app)];
}

/** Those that exist stay as they are. Rejects with STREAM_REFUSED or NATS_REFUSED. Without JetStream there are none. */
export async function ensureKeptStreams(connection: NatsConnection, app: string, copies: number): Promise<void> {
  if (lacksJetStream(connection)) return;
  try {
    const jsm = await managerOf(connection);
    await ensureDeadLetterStream(jsm, app, copies);
    await ensureRedriveStream(jsm, app, copies);
    await ensureGivenBackStream(jsm, app, copies);
  } catch (error) {
    const doing = `the streams for dead letters and redrives of app "${app}" could not be set up`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}
