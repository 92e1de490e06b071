// A consumer as the server has it.

import type { ConsumerConfig, ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";

/** Undefined when there is none of that name. Rejects as the client does. */
export async function findConsumer(
  jsm: JetStreamManager,
  stream: string,
  durable: string,
): Promise<ConsumerInfo | undefined> {
  return jsm.consumers.info(stream, durable).catch((error: unknown) => {
    if (isApiError(error, ApiCode.consumerNotFound)) return undefined;
    throw error;
  });
}

/** Whose it is, as its description says; undefined when it is none of ours. */
export function describedOwner(description: string | undefined): { handler: string; app: string } | undefined {
  const [, handler, app] = /^handler (\S+) of app (\S+)$/.exec(description ?? "") ?? [];
  return handler === undefined || app === undefined ? undefined : { handler, app };
}

/** What it takes; of several subjects, which none of ours has, the first. */
export function filterOf({ filter_subject, filter_subjects }: ConsumerConfig): string {
  return filter_subject || filter_subjects?.[0] || ">";
}
