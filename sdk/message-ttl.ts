// How long a stream keeps one message, as it is written on the message.

export const TTL_HEADER = "Nats-TTL";
/** The server takes no less. */
const SHORTEST_MS = 1_000;

/** What the header says; undefined for less than a second. */
export function ttlValue(ttlMs: number): string | undefined {
  return ttlMs < SHORTEST_MS ? undefined : `${Math.ceil(ttlMs / SHORTEST_MS)}s`;
}

/** Why it cannot be: no stream takes the subject, or that which does keeps each message as long as the others. */
export function ttlRefusal(subject: string, stream: string | undefined): string {
  const what = `publish to "${subject}": \`ttl\` is refused, and nothing was sent`;
  if (stream === undefined) return `${what}: no stream takes the subject, as far as it can be asked`;
  return `${what}: stream "${stream}" lets no message have one. Switch \`allow_msg_ttl\` on (nats-server 2.11 or later)`;
}
