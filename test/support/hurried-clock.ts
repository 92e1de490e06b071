// The system's clock, with some delays cut short: stories of handlers that keep dying need not wait the seconds that a restart
// takes in life. What is asserted stays the delay that was asked for.

import { type Clock, systemClock } from "../../runtime/clock.ts";

/**
 * Between the restarts of a handler that keeps dying (supervise/restart-policy.ts). A bound of the very same length is cut
 * short too: a story that needs one states another.
 */
const RESTARTS_MS = [500, 1_000, 2_000, 4_000];
/** After a death that counts against a message. */
const MESSAGES_RESTART_MS = 200;
/** The first time it is set aside. */
export const COOL_DOWN_MS = 60_000;

/** Restarts follow each other at once; nothing else is hurried. */
export const hurriedRestarts = hurried(RESTARTS_MS);

/** The first cool-down passes in a moment, too, and so does the restart after a message that kills. */
export const hurriedCoolDown = hurried([...RESTARTS_MS, MESSAGES_RESTART_MS, COOL_DOWN_MS]);

/** Everything that we wait for passes in a tenth of its time; what the NATS client waits for does not. */
export const tenfold: Clock = {
  ...systemClock,
  monotonicMs: () => 10 * systemClock.monotonicMs(),
  after: (delayMs, callback) => systemClock.after(delayMs / 10, callback),
};

function hurried(delaysMs: readonly number[]): Clock {
  return {
    ...systemClock,
    after: (delayMs, callback) =>
      systemClock.after(delaysMs.includes(delayMs) ? Math.min(delayMs / 20, 200) : delayMs, callback),
  };
}
