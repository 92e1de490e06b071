// What operators have said of the version of a handler, read from the bucket of intents by who neither follows nor makes it.

import type { NatsConnection } from "@nats-io/transport-node";
import { managerOf } from "../nats/jetstream.ts";
import { OwnStreamReader } from "../streams/own-stream-reader.ts";
import { type Rollback, readRollback, rollbackName } from "../versions/rollback.ts";
import { keyOf } from "./intent.ts";
import { bucketName, intentStream } from "./intent-store.ts";

/** Undefined: it is not rolled back. Rejects with the client's errors. */
export async function saidRollbackOf(
  connection: NatsConnection,
  app: string,
  handler: string,
): Promise<Rollback | undefined> {
  const reader = new OwnStreamReader(await managerOf(connection), intentStream(app));
  const said = await reader.get({ last_by_subj: `$KV.${bucketName(app)}.${keyOf(rollbackName(handler))}` });
  return readRollback(said?.string());
}
