// Requests on a subject that a stream takes too: the stream confirms what it stores, and whoever asks may get that for a
// reply.

import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { streamsTaking } from "./stream-names.ts";
import { overlaps } from "./subject-cover.ts";

/** What is to be told of a request handler whose subject these streams take; undefined: none does. Pure. */
export function capturedRequests(
  handler: string,
  subject: string,
  streams: readonly { readonly name: string; readonly subjects: readonly string[] }[],
): RuntimeError | undefined {
  const taking = streams.filter(({ subjects }) => subjects.some((one) => overlaps(one, subject)));
  return taking.length === 0 ? undefined : captured(handler, subject, taking[0]!.name);
}

/** As `capturedRequests`, by the streams that are there. Never rejects: where we may not ask, nothing is known. */
export async function requestsCapturedNow(
  connection: NatsConnection,
  handler: string,
  subject: string,
): Promise<RuntimeError | undefined> {
  const [stream] = await streamsTaking(connection, subject).catch((): string[] => []);
  return stream === undefined ? undefined : captured(handler, subject, stream);
}

function captured(handler: string, subject: string, stream: string): RuntimeError {
  const message = `stream "${stream}" takes "${subject}" of request handler "${handler}" too: whoever asks may get its confirmation for a reply`;
  return new RuntimeError("SUBJECT_CONFLICT", message, {
    handler,
    remedy: "Requests belong on subjects that no stream takes: change the stream's subjects, or the handler's.",
  });
}
