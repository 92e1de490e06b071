// What a contender does with each message. The raw contender does it in its own process, ours in a generated handler.

export interface Work {
  /** Of the handler. */
  readonly name: string;
  readonly subject: string;
  /** All three parse and validate. `reply` answers with a small object, `publish` publishes one for each message. */
  readonly does: "count" | "reply" | "publish";
  /** Progress is published after every `step` messages handled. */
  readonly step: number;
}

/** Where the handler `name` tells its progress: an empty message for each `step` handled. */
export function progressSubject(name: string): string {
  return `bench.progress.${name}`;
}

export const REPLY = { ok: true, saved: 1 };

/** JSON of exactly `bytes` bytes, 64 or more, which the bench's schema accepts. `number` makes it differ from others. */
export function payloadOf(bytes: number, number = 0): string {
  const id = `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
  const empty = JSON.stringify({ id, item: "" });
  return JSON.stringify({ id, item: "a".repeat(bytes - empty.length) });
}

/** As source, because a handler file is made of it; `schema.ts` holds the same for the raw contender. */
export const SCHEMA_SOURCE = "z.object({ id: z.uuid(), item: z.string().min(1).max(100_000) })";
