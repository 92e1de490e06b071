// Asks with the least a requester can do, so that what is measured is the one asked: one subscription for all replies, no
// timer for each request, and the same for contenders whose replies do not follow NATS's reply subjects.

import { createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { payloadOf, REPLY } from "../work.ts";
import type { Asked } from "./publisher.ts";
import { type Wire, wrap } from "./wire.ts";

export interface WireAsk extends Wire {
  readonly count: number;
  readonly payloadBytes: number;
  readonly atOnce: number;
}

/** Every contender's good reply contains this, whatever it wraps it in. */
const GOOD_REPLY = JSON.stringify(REPLY).slice(1, -1);

export async function askByWire(nats: NatsConnection, asking: WireAsk): Promise<Asked> {
  const { subject, template, repliesTo, count, payloadBytes, atOnce } = asking;
  const inbox = createInbox();
  const waiting = new Map<string, (reply: string) => void>();
  const idOf = (message: Msg) =>
    repliesTo === undefined ? message.subject.slice(inbox.length + 1) : message.json<{ id: string }>().id;
  const subscription = nats.subscribe(repliesTo ?? `${inbox}.*`, {
    callback: (_error, message) => waiting.get(idOf(message))?.(message.string()),
  });
  const payload = payloadOf(payloadBytes);
  const ask = (id: string) =>
    new Promise<string>((resolve) => {
      waiting.set(id, resolve);
      const message = wrap(template, payload, Number(id));
      if (repliesTo === undefined) nats.publish(subject, message, { reply: `${inbox}.${id}` });
      else nats.publish(subject, message);
    });
  const latenciesMs: number[] = [];
  let failed = 0;
  let next = 0;
  async function askInTurn(): Promise<void> {
    while (next < count) {
      const id = String(next++);
      const startedMs = performance.now();
      const reply = await ask(id);
      latenciesMs.push(performance.now() - startedMs);
      waiting.delete(id);
      if (!reply.includes(GOOD_REPLY)) failed++;
    }
  }
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: atOnce }, askInTurn));
  const wallMs = performance.now() - startedMs;
  subscription.unsubscribe();
  return { wallMs, latenciesMs, failed };
}
