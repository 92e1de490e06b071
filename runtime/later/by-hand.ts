// A message that an operator has published later: stored as one of a handler is, and published by the replicas.

import { type MsgHdrs, type NatsConnection, nuid } from "@nats-io/transport-node";
import { LONGEST_LATER_MS } from "../../sdk/later-place.ts";
import type { Clock } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import { type Later, NEVER_GONE } from "../message/handler-call.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { ServerClock } from "../nats/server-clock.ts";
import { copiesFor } from "../streams/own-stream.ts";
import { BY_HAND, pairsOf } from "./later-message.ts";
import { dueOf, LaterStore } from "./later-store.ts";
import { laterStream } from "./later-stream.ts";

export interface SentByHand {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
  readonly later: Later;
}

const TIMEOUT_MS = 5_000;

/** Resolves with its number in the stream. Rejects with USAGE when it is too far ahead, else with STREAM_REFUSED, NATS_REFUSED or NATS_UNREACHABLE. */
export async function storeByHand(
  { subject, payload, headers, later }: SentByHand,
  { connection, app, clock }: { readonly connection: NatsConnection; readonly app: string; readonly clock: Clock },
): Promise<{ readonly id: number; readonly dueMs: number }> {
  const serverClock = new ServerClock(clock);
  const store = new LaterStore({
    connection,
    app,
    clock,
    serverClock,
    copies: copiesFor(undefined, connection),
    publish: () => ({ ok: true, body: new Uint8Array(0) }),
  });
  try {
    await store.ensure();
    const jsm = await managerOf(connection);
    const askedAtMs = clock.monotonicMs();
    const info: { ts?: string } = await jsm.streams.info(laterStream(app));
    serverClock.observe(info.ts, askedAtMs);
    const dueMs = dueOf(later, serverClock);
    if (dueMs - serverClock.latestMs() > LONGEST_LATER_MS)
      throw new RuntimeError(
        "USAGE",
        `${new Date(dueMs).toISOString()} is more than 366 days ahead, which is the most`,
      );
    const call = {
      kind: "publish",
      handler: BY_HAND,
      subject,
      messageId: `${BY_HAND}:${nuid.next()}`,
      again: false,
      headers: encodeHeaders(pairsOf(headers)),
      payload,
      timeoutMs: TIMEOUT_MS,
      gone: NEVER_GONE,
    } as const;
    const { seq } = await store.store(await store.messageOf(call, dueMs), call);
    return { id: seq, dueMs };
  } catch (error) {
    const doing = `the message for "${subject}" could not be stored for later`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}
