// A steady stream of numbered messages, at about the given rate.

import { systemClock } from "../../runtime/clock.ts";
import type { TestClient } from "./client.ts";

export interface Traffic {
  /** Ids 1 to this have been published. */
  readonly sent: number;
  /** Stop, and resolve with the number of messages once the server has taken them all. */
  stop(): Promise<number>;
}

const TICK_MS = 5;

export function startTraffic(client: TestClient, subject: string, perSecond: number): Traffic {
  const startedAtMs = systemClock.monotonicMs();
  let sent = 0;
  const timer = systemClock.every(TICK_MS, () => {
    // The story failed and its client is gone: one failure is told, not one a message.
    if (client.connection.isClosed()) return timer.cancel();
    const due = ((systemClock.monotonicMs() - startedAtMs) / 1_000) * perSecond;
    while (sent < due) client.publish(subject, { id: ++sent });
  });
  return {
    get sent() {
      return sent;
    },
    async stop() {
      timer.cancel();
      await client.flush();
      return sent;
    },
  };
}
