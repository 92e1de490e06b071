// The failure of a publish that is NATS's and not the message's.

/** The name of the error that a handler's `ctx.publish` rejects with then. Authors may look at it. */
export const UNAVAILABLE = "NatsUnavailable";

/** Codes of answers to publishes: not connected, or nobody there; not confirmed in time; the stream takes nothing now. */
const CODES: ReadonlySet<number> = new Set([503, 504, 507]);

export function isUnavailable(code: number): boolean {
  return CODES.has(code);
}
