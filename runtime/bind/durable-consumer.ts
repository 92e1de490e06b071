// A handler's durable consumer: looked up, then created or changed to what we need, so that it works on every server
// from 2.9 on (newer ones refuse a create with a changed configuration).
//
// K1  Only what we need to be so is changed; what an operator has set beside it stays.
// K2  Without a consumer of another app: its description says whose it is.
// K3  No inactive_threshold (it deletes durables too) and no backoff (it overwrites ack_wait and nak ignores it).

import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JetStreamManager, ReplayPolicy } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { ApiCode, isApiError, jetStreamError } from "./jetstream-errors.ts";

export const ACK_WAIT_MS = 30_000;
/** Messages that wait for their retry count too. The same for all, so that replicas of different versions agree. */
const MAX_ACK_PENDING = 65_536;
const NS_PER_MS = 1_000_000;

export interface DurableSpec {
  readonly app: string;
  readonly handler: string;
  readonly stream: string;
  readonly durable: string;
  readonly filter: string;
}

/** Returns whether it had to be made. Rejects with CONSUMER_REFUSED or NATS_REFUSED, explained. */
export async function ensureDurable(
  connection: NatsConnection,
  jsm: JetStreamManager,
  spec: DurableSpec,
): Promise<"created" | "found"> {
  try {
    const existing = await jsm.consumers.info(spec.stream, spec.durable).catch((error: unknown) => {
      if (isApiError(error, ApiCode.consumerNotFound)) return undefined;
      throw error;
    });
    if (existing === undefined) {
      await jsm.consumers.add(spec.stream, { durable_name: spec.durable, ...wanted(spec), ...onCreation() });
      return "created";
    }
    assertUsable(existing.config, spec);
    if (differs(existing.config, spec)) await jsm.consumers.update(spec.stream, spec.durable, wanted(spec));
    return "found";
  } catch (error) {
    throw refusal(connection, error, spec);
  }
}

function wanted(spec: DurableSpec) {
  return {
    description: descriptionOf(spec),
    filter_subject: spec.filter,
    ack_wait: ACK_WAIT_MS * NS_PER_MS,
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  };
}

function onCreation() {
  return { ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All, replay_policy: ReplayPolicy.Instant };
}

function descriptionOf({ app, handler }: DurableSpec): string {
  return `handler ${handler} of app ${app}`;
}

/** Whose a consumer is, as its description says; undefined when it is none of ours. */
export function describedOwner(description: string | undefined): { handler: string; app: string } | undefined {
  const [, handler, app] = /^handler (\S+) of app (\S+)$/.exec(description ?? "") ?? [];
  return handler === undefined || app === undefined ? undefined : { handler, app };
}

function differs(config: ConsumerConfig, spec: DurableSpec): boolean {
  return Object.entries(wanted(spec)).some(([name, value]) => config[name as keyof ConsumerConfig] !== value);
}

function assertUsable(config: ConsumerConfig, spec: DurableSpec): void {
  const problem = problemOf(config, spec);
  if (problem === undefined) return;
  const { stream, durable, handler } = spec;
  throw new RuntimeError("CONSUMER_REFUSED", `durable "${durable}" of stream "${stream}" ${problem}`, {
    handler,
    remedy: `Rename the handler, or remove the durable with \`nats consumer rm ${stream} ${durable}\`: a new one starts with all that is stored.`,
  });
}

function problemOf(config: ConsumerConfig, spec: DurableSpec): string | undefined {
  const owner = describedOwner(config.description)?.app;
  if (owner !== undefined && owner !== spec.app) return `belongs to app "${owner}" (${config.description})`;
  if (config.deliver_subject !== undefined) return `is a push consumer (it delivers to "${config.deliver_subject}")`;
  if (config.ack_policy !== AckPolicy.Explicit)
    return `has ack policy "${config.ack_policy}", and must have "explicit"`;
  return undefined;
}

function refusal(connection: NatsConnection, error: unknown, spec: DurableSpec): RuntimeError {
  const { stream, durable, filter, handler } = spec;
  return jetStreamError(error, {
    connection,
    code: isApiError(error, ApiCode.streamNotFound) ? "STREAM_MISSING" : "CONSUMER_REFUSED",
    doing: `durable "${durable}" of stream "${stream}" for "${filter}" could not be set up`,
    handler,
    remedies: {
      [ApiCode.filterOutsideStream]: `Have stream "${stream}" take all of "${filter}", or narrow the handler's subject.`,
      [ApiCode.consumerUnchangeable]: `Remove the durable with \`nats consumer rm ${stream} ${durable}\`: a new one starts with all that is stored.`,
      [ApiCode.workQueueNeedsFilter]: `A work queue lets one handler take each subject: use retention "limits" for stream "${stream}", or one handler.`,
      [ApiCode.workQueueTaken]: `A work queue lets one handler take each subject, and another consumer of "${stream}" takes this one: use retention "limits", or one handler.`,
    },
  });
}
