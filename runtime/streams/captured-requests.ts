// Requests on a subject that a stream takes too: the stream confirms what it stores, and whoever asks may get that for a
// reply.

import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { overlaps } from "../metadata/subject.ts";
import { streamsTaking } from "./stream-names.ts";

/** What is to be told of a request handler of whose subjects these streams take one; undefined: none does. Pure. */
export function capturedRequests(
  handler: string,
  handled: readonly string[],
  streams: readonly { readonly name: string; readonly subjects: readonly string[] }[],
): RuntimeError | undefined {
  for (const subject of handled) {
    const taking = streams.find(({ subjects }) => subjects.some((one) => overlaps(one, subject)));
    if (taking !== undefined) return captured(handler, subject, taking.name);
  }
  return undefined;
}

/** As `capturedRequests`, by the streams that are there. Never rejects: where we may not ask, nothing is known. */
export async function requestsCapturedNow(
  connection: NatsConnection,
  handler: string,
  handled: readonly string[],
): Promise<RuntimeError | undefined> {
  for (const subject of handled) {
    const [stream] = await streamsTaking(connection, subject).catch((): string[] => []);
    if (stream !== undefined) return captured(handler, subject, stream);
  }
  return undefined;
}

function captured(handler: string, subject: string, stream: string): RuntimeError {
  const message = `stream "${stream}" takes "${subject}" of request handler "${handler}" too: whoever asks may get its confirmation for a reply`;
  return new RuntimeError("SUBJECT_CONFLICT", message, {
    handler,
    remedy: "Requests belong on subjects that no stream takes: change the stream's subjects, or the handler's.",
  });
}
