// Which versions of a handler are kept, for those who operate it.

import { jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import type { OperatorSession } from "../operate/session.ts";
import type { KeptVersion } from "../versions/kept-version.ts";
import { openVersionStore, versionStream } from "../versions/version-store.ts";

type Session = Pick<OperatorSession, "connection" | "app" | "copies">;

/** Newest first. Rejects with a RuntimeError when they cannot be had. */
export async function keptVersionsOf(
  { connection, app, copies }: Session,
  handler: string,
): Promise<readonly KeptVersion[]> {
  if (lacksJetStream(connection)) return [];
  try {
    return await (await openVersionStore(connection, app, copies)).kept(handler);
  } catch (error) {
    const doing = `the versions that are kept in stream "${versionStream(app)}" cannot be read`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing, handler });
  }
}
