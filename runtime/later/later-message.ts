// A message that waits to leave: the bytes and headers it will have, and headers of ours that say where to, when and whose.
// Pure.

import type { MsgHdrs } from "@nats-io/transport-node";
import { BY_HAND, LATER_PREFIX } from "../../sdk/later-place.ts";
import { isOriginal } from "../dead-letters/dead-letter.ts";
import { decodeHeaders, encodeHeaders, type HeaderPairs } from "../message/header-block.ts";

export { BY_HAND } from "../../sdk/later-place.ts";

export interface LaterMessage {
  /** The subject it is published to. */
  readonly target: string;
  /** In milliseconds since the Unix epoch, as the server counts them. */
  readonly dueMs: number;
  /** Under which its stream stores it once (message-id.ts). */
  readonly id: string;
  /** The handler that published it, or `BY_HAND`. */
  readonly by: string;
  /** The stream that took the target when it was published; undefined: none did. */
  readonly stream: string | undefined;
  /** Encoded: those it leaves with. */
  readonly headers: Uint8Array;
}

/** All headers it waits with. */
export function laterHeaders({ target, dueMs, id, by, stream, headers }: LaterMessage): HeaderPairs {
  const ours: [string, string | undefined][] = [
    ["Target", target],
    ["Due", new Date(dueMs).toISOString()],
    ["Id", id],
    ["By", by],
    ["Stream", stream],
  ];
  const said = ours.flatMap(([name, value]) =>
    value === undefined ? [] : [[`${LATER_PREFIX}${name}`, value] as const],
  );
  return [...ownersHeaders(decodeHeaders(Buffer.from(headers))), ...said];
}

/** Undefined for a message that nobody of ours has stored. */
export function readLater(headers: HeaderPairs): LaterMessage | undefined {
  const get = (name: string) => headers.find(([given]) => given === `${LATER_PREFIX}${name}`)?.[1] || undefined;
  const [target, id, dueMs] = [get("Target"), get("Id"), Date.parse(get("Due") ?? "")];
  if (target === undefined || id === undefined || Number.isNaN(dueMs)) return undefined;
  const leaving = encodeHeaders(ownersHeaders(headers));
  return { target, id, dueMs, by: get("By") ?? BY_HAND, stream: get("Stream"), headers: leaving };
}

/** When it is due; 0 where that is not said: a letter that is sent again was due before. */
export function dueOfHeaders(headers: MsgHdrs | undefined): number {
  return Date.parse(headers?.get(`${LATER_PREFIX}Due`) ?? "") || 0;
}

export function pairsOf(headers: MsgHdrs | undefined): HeaderPairs {
  if (headers === undefined) return [];
  return [...headers].flatMap(([name, values]) => values.map((value) => [name, value] as const));
}

/** Without the server's, ours, and those of a letter that it has been. */
function ownersHeaders(headers: HeaderPairs): HeaderPairs {
  return headers.filter(([name]) => isOriginal(name) && !name.startsWith(LATER_PREFIX));
}
