// A handler's durable consumer: looked up, then created or changed to what we need, so that it works on every server
// from 2.9 on (newer ones refuse a create with a changed configuration).
//
// K1  Its subject is never changed (handler-durable.ts, H1). Of the rest only what we need to be so is; what an operator has
//     set beside it stays. That includes how many messages may be in hand: a lower number is the one brake there is over all
//     replicas.
// K2  Without a consumer of another app: its description says whose it is.
// K3  No inactive_threshold (it deletes durables too) and no backoff (it overwrites ack_wait and nak ignores it). The stream
//     may have set one all the same: the configuration that the server has made of ours is handed back.
// K4  Where a stream, an account or a server lets less be in hand than we ask for, that is taken.
// K5  One for a handler that runs one message at a time over all replicas has one in hand at most, and its description says
//     so: when the handler no longer asks for it, the bound goes with it.
// K6  One for a handler that looks past floods (`fairBy`) may have more in hand than others. What we asked for before is raised.
// K7  One that is a replica's own goes with the replica: the server removes it when nobody has taken from it for a while, and keeps it
//     in memory. Its description says of what it is, and in no words by which it would be looked for as the handler's.

import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  ReplayPolicy,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { StartFrom } from "../metadata/handler-metadata.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { explained, unusable } from "./durable-refusal.ts";
import { describedOwner, filterOf, findConsumer, ownerDescription } from "./stored-consumer.ts";

export const ACK_WAIT_MS = 30_000;
/** Asked for when a durable is made. Messages that wait for their retry count too. */
export const MAX_ACK_PENDING = 65_536;
/** K6. */
const MAX_LOOKED_PAST = 1_000_000;
/** K7. Without a connection for longer it is made anew, where it was. */
const REPLICA_KEPT_MS = 30_000;
const NS_PER_MS = 1_000_000;

export interface DurableSpec {
  readonly app: string;
  readonly handler: string;
  readonly stream: string;
  /** Of the JetStream that has the stream; undefined: that of our own account. */
  readonly domain?: string | undefined;
  readonly durable: string;
  readonly filter: string;
  /** K5. */
  readonly oneAtATime?: boolean;
  /** K6. */
  readonly looksPast?: boolean;
  /** K7. */
  readonly ofReplica?: boolean;
  /** Where it begins, should it have to be made. Undefined: with all that is stored. */
  readonly from?: StartFrom | undefined;
}

export interface EnsuredDurable {
  /** Whether it had to be made. */
  readonly how: "created" | "found";
  /** As the server tells it: another time is another consumer. */
  readonly createdAt: string;
  /** As the server has it. */
  readonly config: ConsumerConfig;
  /** Stored messages of its subject that it has not settled. */
  readonly waiting: number;
}

/** Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED, explained. */
export async function ensureDurable(
  connection: NatsConnection,
  jsm: JetStreamManager,
  spec: DurableSpec,
): Promise<EnsuredDurable> {
  try {
    return (await changed(jsm, spec)) ?? (await created(jsm, spec));
  } catch (error) {
    throw await explained(connection, jsm, error, spec);
  }
}

/** Undefined when there is none. */
async function changed(jsm: JetStreamManager, spec: DurableSpec): Promise<EnsuredDurable | undefined> {
  const { stream, durable } = spec;
  const existing = await findConsumer(jsm, stream, durable);
  if (existing === undefined) return undefined;
  assertUsable(existing.config, spec);
  const more = raised(existing.config, spec);
  if (more === undefined && !differs(existing.config, spec)) return ensured("found", existing);
  const update = (limit: InHandLimit) => jsm.consumers.update(stream, durable, { ...wanted(spec), ...limit });
  return ensured("found", await withinLimit(update, boundOf(spec) ?? more ?? unbound(existing.config)));
}

function ensured(how: EnsuredDurable["how"], info: ConsumerInfo): EnsuredDurable {
  return { how, createdAt: info.created, config: info.config, waiting: info.num_pending + info.num_ack_pending };
}

async function created(jsm: JetStreamManager, spec: DurableSpec): Promise<EnsuredDurable> {
  const { stream, durable } = spec;
  const config = { durable_name: durable, ...wanted(spec), ...onCreation(spec) };
  const add = (limit: InHandLimit) => jsm.consumers.add(stream, { ...config, ...limit });
  const most = spec.looksPast === true ? MAX_LOOKED_PAST : MAX_ACK_PENDING;
  try {
    return ensured("created", await withinLimit(add, boundOf(spec) ?? { max_ack_pending: most }));
  } catch (error) {
    // A replica of another version was first.
    const existing = isApiError(error, ApiCode.consumerExists) ? await changed(jsm, spec) : undefined;
    if (existing === undefined) throw error;
    return existing;
  }
}

export type InHandLimit = Pick<ConsumerConfig, "max_ack_pending"> | Record<string, never>;

/**
 * K4. The server says its limit only in words; where there is no number in them it chooses one itself, 1,000 at most. There may
 * be several, of server, account and stream, of which it tells one at a time.
 */
export async function withinLimit<T>(step: (limit: InHandLimit) => Promise<T>, wish: InHandLimit): Promise<T> {
  try {
    return await step(wish);
  } catch (error) {
    if (!isApiError(error, ApiCode.ackPendingLimit)) throw error;
    const limit = Number(/ limit of (\d+)/.exec((error as Error).message)?.[1]);
    const isLower = limit > 0 && limit < (wish.max_ack_pending ?? Number.POSITIVE_INFINITY);
    return isLower ? withinLimit(step, { max_ack_pending: limit }) : step({});
  }
}

/** K5. */
function boundOf({ oneAtATime }: DurableSpec): InHandLimit | undefined {
  return oneAtATime === true ? { max_ack_pending: 1 } : undefined;
}

/** K6. */
function raised({ max_ack_pending }: ConsumerConfig, { looksPast }: DurableSpec): InHandLimit | undefined {
  const isOurs = max_ack_pending === MAX_ACK_PENDING;
  return looksPast === true && isOurs ? { max_ack_pending: MAX_LOOKED_PAST } : undefined;
}

/** K1, K5: only a bound of ours is taken away. */
function unbound({ description }: ConsumerConfig): InHandLimit {
  return describedOwner(description)?.oneAtATime === true ? { max_ack_pending: MAX_ACK_PENDING } : {};
}

function wanted(spec: DurableSpec) {
  return {
    description: descriptionOf(spec),
    filter_subject: spec.filter,
    ack_wait: ACK_WAIT_MS * NS_PER_MS,
    max_deliver: -1,
  };
}

function onCreation({ from, ofReplica = false }: DurableSpec) {
  const own = { inactive_threshold: REPLICA_KEPT_MS * NS_PER_MS, mem_storage: true, num_replicas: 1 };
  return {
    ...{ ack_policy: AckPolicy.Explicit, replay_policy: ReplayPolicy.Instant, ...beginning(from) },
    ...(ofReplica ? own : {}),
  };
}

function beginning(
  from: StartFrom = { kind: "all" },
): Pick<ConsumerConfig, "deliver_policy" | "opt_start_time" | "opt_start_seq"> {
  switch (from.kind) {
    case "all":
      return { deliver_policy: DeliverPolicy.All };
    case "new":
      return { deliver_policy: DeliverPolicy.New };
    case "last":
      return { deliver_policy: DeliverPolicy.LastPerSubject };
    case "time":
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.atMs).toISOString() };
    case "sequence":
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
  }
}

function descriptionOf({ app, handler, oneAtATime = false, ofReplica = false }: DurableSpec): string {
  if (ofReplica) return `one replica's own: handler ${handler} of app ${app}`;
  return ownerDescription({ app, handler, oneAtATime });
}

function differs(config: ConsumerConfig, spec: DurableSpec): boolean {
  return Object.entries({ ...wanted(spec), ...boundOf(spec) }).some(
    ([name, value]) => config[name as keyof ConsumerConfig] !== value,
  );
}

function assertUsable(config: ConsumerConfig, spec: DurableSpec): void {
  const problem = problemOf(config, spec);
  if (problem !== undefined) throw unusable(problem, spec);
}

function problemOf(config: ConsumerConfig, spec: DurableSpec): string | undefined {
  const owner = describedOwner(config.description);
  const whose = `(${config.description})`;
  if (owner !== undefined && owner.app !== spec.app) return `belongs to app "${owner.app}" ${whose}`;
  if (owner !== undefined && owner.handler !== spec.handler) return `belongs to handler "${owner.handler}" ${whose}`;
  if (config.filter_subject !== spec.filter) return `takes "${filterOf(config)}", and is to take "${spec.filter}"`;
  if (config.deliver_subject !== undefined) return `is a push consumer (it delivers to "${config.deliver_subject}")`;
  if (config.ack_policy !== AckPolicy.Explicit)
    return `has ack policy "${config.ack_policy}", and must have "explicit"`;
  return undefined;
}
