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

/** Whose a consumer is. */
export interface DescribedOwner {
  readonly handler: string;
  readonly app: string;
  /** Its handler has bounded it to one message in hand. */
  readonly oneAtATime: boolean;
}

const ONE_AT_A_TIME = " (one at a time)";
const DESCRIPTION = /^handler (\S+) of app (\S+)( \(one at a time\))?$/;

export function ownerDescription({ handler, app, oneAtATime }: DescribedOwner): string {
  return `handler ${handler} of app ${app}${oneAtATime ? ONE_AT_A_TIME : ""}`;
}

/** As its description says; undefined when it is none of ours. */
export function describedOwner(description: string | undefined): DescribedOwner | undefined {
  const [, handler, app, one] = DESCRIPTION.exec(description ?? "") ?? [];
  return handler === undefined || app === undefined ? undefined : { handler, app, oneAtATime: one !== undefined };
}

/** What it takes; of several subjects, which none of ours has, the first. */
export function filterOf({ filter_subject, filter_subjects }: ConsumerConfig): string {
  return filter_subject || filter_subjects?.[0] || ">";
}
