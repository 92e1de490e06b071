// A step that NATS has to answer, done again when the connection was lost in the middle of it: what had been asked went
// with the connection, and fails as if nobody were there.

import { RuntimeError } from "../errors.ts";
import type { ConnectionState } from "./connection-state.ts";

/**
 * The step may be begun several times, never twice at once. Rejects as it does, or with NATS_UNREACHABLE when the
 * connection has not come back within `limitMs` milliseconds.
 */
export async function retryAfterReconnect<T>(
  state: ConnectionState,
  limitMs: number,
  step: () => Promise<T>,
): Promise<T> {
  for (;;) {
    if (!(await state.up(limitMs))) throw stillLost(limitMs);
    const { losses } = state;
    try {
      return await step();
    } catch (error) {
      if (state.losses === losses) throw error;
    }
  }
}

function stillLost(limitMs: number): RuntimeError {
  return new RuntimeError("NATS_UNREACHABLE", `the connection to NATS was lost, and is not back within ${limitMs} ms`, {
    remedy: "Look after the server; `handlers start` has to be started again, as an orchestrator does.",
  });
}
