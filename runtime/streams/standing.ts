// What keeps the messages of a durable handler while nobody takes them: its durable, its stream, or nothing.

import { RetentionPolicy } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { managerOf } from "../nats/jetstream.ts";
import type { AppDurable } from "./left-durables.ts";
import { streamsTaking } from "./stream-names.ts";

export type Standing =
  /** We may not look, or there is no answer. */
  | { readonly kind: "unknown" }
  | { readonly kind: "no-stream"; readonly subject: string }
  | { readonly kind: "no-durable"; readonly stream: string; readonly keepsOnlyWhatIsWaitedFor: boolean }
  | {
      readonly kind: "durable";
      readonly stream: string;
      readonly waiting: number;
      /** Without anybody who takes from it; undefined: it stays. */
      readonly removedAfterMs: number | undefined;
      readonly keepsOnlyWhatIsWaitedFor: boolean;
    };

export interface Taker {
  readonly subject: string;
  /** Of the JetStream that has its stream; undefined: that of the account. */
  readonly domain?: string | undefined;
}

/** Never rejects. @param own the handler's durable, where there is one */
export async function standingOf(
  connection: NatsConnection,
  own: AppDurable | undefined,
  { subject, domain }: Taker,
): Promise<Standing> {
  const keepsByInterest = async (stream: string) => {
    const { config } = await (await managerOf(connection, { domain })).streams.info(stream);
    return config.retention === RetentionPolicy.Interest;
  };
  try {
    if (own !== undefined) {
      const { stream, waiting, removedAfterMs } = own;
      // Of a durable that stays it does not matter, and looking takes a right more.
      const keepsOnlyWhatIsWaitedFor = removedAfterMs !== undefined && (await keepsByInterest(stream));
      return { kind: "durable", stream, waiting, removedAfterMs, keepsOnlyWhatIsWaitedFor };
    }
    const [stream] = await streamsTaking(connection, subject, domain);
    if (stream === undefined) return { kind: "no-stream", subject };
    return { kind: "no-durable", stream, keepsOnlyWhatIsWaitedFor: await keepsByInterest(stream) };
  } catch {
    return { kind: "unknown" };
  }
}
