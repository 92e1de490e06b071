// A handler that publishes later as it is asked to, and what comes of it.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { TestClient } from "./client.ts";

/** Publishes what it is asked to, and answers with when it began. */
export const PLAN = `
export const metadata = { subject: "plan", kind: "request", timeout: "60s" };
export default async ({ target, count = 1, delay, at, headers }, ctx) => {
  const atMs = Date.now();
  const when = at === undefined ? { delay } : { at: new Date(at) };
  const publish = (n) => ctx.publish(target, { n }, { ...when, headers });
  await Promise.all(Array.from({ length: count }, (_, n) => publish(n)));
  return { atMs };
};
`;

export interface Heard {
  readonly atMs: number;
  readonly n: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** What comes to a subject from now on, and when. */
export async function hear(connection: NatsConnection, subject: string) {
  const heard: Heard[] = [];
  let look = () => {};
  connection.subscribe(subject, {
    callback: (_error, message) => {
      const { n } = message.json<{ n: number }>();
      heard.push({ atMs: Date.now(), n, headers: Object.fromEntries([...(message.headers ?? [])]) });
      look();
    },
  });
  await connection.flush();
  return {
    heard,
    async until(count: number): Promise<readonly Heard[]> {
      while (heard.length < count) await new Promise<void>((resolve) => (look = resolve));
      return heard;
    },
  };
}

export async function plan(client: TestClient, what: object): Promise<number> {
  const answer = await client.ask("plan", what);
  if (answer.error !== "") throw new Error(answer.error);
  return (answer.value as { atMs: number }).atMs;
}

export interface Stored {
  readonly n: number;
  readonly atMs: number;
}

/** What a stream holds, in its order. */
export async function storedIn(manager: JetStreamManager, stream: string): Promise<Stored[]> {
  const { state } = await manager.streams.info(stream);
  const read = async (seq: number) => {
    const message = await manager.streams.getMessage(stream, { seq });
    return { n: message!.json<{ n: number }>().n, atMs: message!.time.getTime() };
  };
  const stored: Stored[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 500) {
    const seqs = Array.from({ length: Math.min(500, state.last_seq - seq + 1) }, (_, at) => seq + at);
    stored.push(...(await Promise.all(seqs.map(read))));
  }
  return stored;
}

export const countIn = async (manager: JetStreamManager, stream: string) =>
  (await manager.streams.info(stream)).state.messages;
