// Sends a dead letter again with another payload, to the one handler that failed it.

import { redriveMended } from "../dead-letters/redrive.ts";
import { RuntimeError } from "../errors.ts";
import type { Desk } from "./desk.ts";
import { assertJson } from "./send.ts";

export interface MendRequest {
  readonly id: number;
  readonly payload: string;
  /** The payload need not be JSON. */
  readonly raw: boolean;
}

/** Rejects with USAGE, STREAM_REFUSED or NATS_REFUSED; then the letter is still there. */
export async function mendLetter(desk: Desk, { id, payload, raw }: MendRequest): Promise<{ readonly bytes: number }> {
  if (!raw) assertJson(payload);
  const data = new TextEncoder().encode(payload);
  const { connection, app, letters: box, copies } = desk;
  if (await redriveMended(id, data, { connection, app, box, copies })) return { bytes: data.length };
  throw new RuntimeError("USAGE", `letter ${id} is not there any more, or is sent again only as it is`, {
    remedy: "It may have been redriven or dropped meanwhile.",
  });
}
