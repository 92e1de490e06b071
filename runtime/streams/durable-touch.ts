// Keeps a durable that has an inactive_threshold while nobody takes from it: the server would remove it, and the
// handler's place with it.
//
// T1  The touch is a pull request that no message is small enough for. The server refuses it, hands out nothing, counts
//     no delivery, and takes the durable for used (on every server from 2.9 on). One that begins with the last message of each
//     subject is not to be touched before it is through with those: the server drops the one that it would have handed out
//     (seen on 2.9.10, 2.10.27 and 2.15.1).

import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { domainOf } from "../nats/jetstream.ts";
import { pullSubject } from "./pull-subject.ts";

const TOUCHES_PER_THRESHOLD = 3;
const LEAST_EVERY_MS = 250;
const MOST_EVERY_MS = 60_000;
const ANSWER_MS = 2_000;
/** T1. */
const TOO_SMALL_FOR_ANY = '{"batch":1,"max_bytes":1,"expires":100000000}';

/**
 * Touch it now and from now on, until what is returned is called.
 *
 * @param removedAfterMs after so long without anybody the server removes it
 * @param inUse whether somebody pulls: then there is nothing to do
 */
export function keepDurable(
  { connection, clock }: { readonly connection: NatsConnection; readonly clock: Clock },
  place: Parameters<typeof pullSubject>[0],
  removedAfterMs: number,
  inUse: () => boolean,
): () => void {
  const subject = pullSubject({ ...place, domain: domainOf(connection, place.domain) });
  const touch = () => {
    if (inUse() || connection.isClosed()) return;
    // Gone, or not connected: whoever binds the handler next looks after the durable.
    connection.request(subject, TOO_SMALL_FOR_ANY, { timeout: ANSWER_MS }).catch(() => undefined);
  };
  touch();
  const everyMs = Math.min(MOST_EVERY_MS, Math.max(LEAST_EVERY_MS, removedAfterMs / TOUCHES_PER_THRESHOLD));
  const timer = clock.every(everyMs, touch);
  return () => timer.cancel();
}
