// The payload of a dead letter, wherever it is: in the letter, in messages beside it, or, for letters of earlier versions,
// in the stream that the message came from.

import type { JetStreamManager } from "@nats-io/jetstream";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { originalHeaders, type ReadLetter } from "./dead-letter.ts";

export interface LetterContent {
  readonly data: Uint8Array;
  /** The message's own. */
  readonly headers: readonly (readonly [string, string])[];
}

const GONE = [ApiCode.messageNotFound, ApiCode.streamNotFound, ApiCode.nothingThere, ApiCode.sequenceNotFound];

/** Whether something of the letter is elsewhere. */
export function isScattered({ body, parts }: Pick<ReadLetter, "body" | "parts">): boolean {
  return body !== "here" || parts.headers !== undefined;
}

/**
 * @param box the dead-letter stream
 * @param here the payload of the letter itself
 * @returns undefined when the payload is not to be had any more. Rejects when that cannot be known now.
 */
export async function contentOf(
  jsm: JetStreamManager,
  box: string,
  letter: ReadLetter,
  here: Uint8Array,
): Promise<LetterContent | undefined> {
  const [data, block] = await Promise.all([
    payloadOf(jsm, box, letter, here),
    letter.parts.headers === undefined ? undefined : bytesAt(jsm, box, letter.parts.headers),
  ]);
  if (data === undefined) return undefined;
  return { data, headers: block === undefined ? letter.headers : [...originalHeaders(block)] };
}

async function payloadOf(
  jsm: JetStreamManager,
  box: string,
  { body, parts, stream, sequence, storedAtMs }: ReadLetter,
  here: Uint8Array,
): Promise<Uint8Array | undefined> {
  switch (body) {
    case "here":
      return here;
    case "apart":
      return parts.payload === undefined ? undefined : bytesAt(jsm, box, parts.payload);
    case "in-stream":
      return stream === undefined ? undefined : bytesAt(jsm, stream, sequence, storedAtMs);
    case "dropped":
      return undefined;
  }
}

/** @param storedAtMs where it is known: another message may have that number by now */
async function bytesAt(
  jsm: JetStreamManager,
  stream: string,
  seq: number,
  storedAtMs?: number,
): Promise<Uint8Array | undefined> {
  const found = await jsm.streams.getMessage(stream, { seq }).catch((error: unknown) => {
    if (isApiError(error, ...GONE)) return null;
    throw error;
  });
  const isOther = storedAtMs !== undefined && found?.time.getTime() !== storedAtMs;
  return isOther ? undefined : found?.data;
}
