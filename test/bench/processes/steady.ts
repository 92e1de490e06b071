// So many messages a second for so long, in batches of a millisecond.

import type { NatsConnection } from "@nats-io/transport-node";
import { payloadOf } from "../work.ts";

export interface Steady {
  readonly subject: string;
  readonly perSecond: number;
  readonly forMs: number;
  readonly payloadBytes: number;
}

/** Resolves with how many were published, when the server has them all. */
export async function publishSteadily(nats: NatsConnection, { subject, perSecond, forMs, payloadBytes }: Steady) {
  const payload = payloadOf(payloadBytes);
  const startedMs = performance.now();
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const passedMs = Math.min(forMs, performance.now() - startedMs);
      for (const due = (passedMs / 1_000) * perSecond; sent < due; sent++) nats.publish(subject, payload);
      if (passedMs < forMs) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await nats.flush();
  return sent;
}
