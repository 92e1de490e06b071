// Brings the ordered streams of a handler to where its version wants them: looked at, one step, looked at again.

import { type ConsumerInfo, type JetStreamManager, RetentionPolicy, type StreamInfo } from "@nats-io/jetstream";
import { RuntimeError } from "../errors.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { durableNameOf } from "./durable-name.ts";
import { waitingOf } from "./left-durables.ts";
import { findStream } from "./make-stream.ts";
import {
  copiedNumber,
  everyPartition,
  fedNoMore,
  firstNeeded,
  type OrderedStream,
  orderedStreamConfig,
  orderedStreamOf,
  partitionFilter,
} from "./ordered-stream.ts";
import { nextStep, type OrderStep, type OrderWish, type Standing } from "./ordered-turn.ts";
import { unlessMade } from "./own-stream.ts";
import { type Wish, withinLimits } from "./within-limits.ts";

export interface OrderedHandler {
  readonly app: string;
  readonly handler: string;
  /** Of a stream that is made. */
  readonly copies: number;
  readonly wish: OrderWish;
}

/** Each step is another one, as each leaves another standing: more of them say that others want it otherwise. */
const MOST_STEPS = 12;
/** So many stay, needed or not: in a cluster a durable may hear a moment late of what is stored. */
const SPARE_MESSAGES = 1_000;

/** What to take from: an ordered stream, or the handler's own stream, up to a number of which everything is handled. */
export type OrderedTurn = OrderedStream | { readonly settledTo: number };

/** Rejects as the client does, or with STREAM_MISSING or STREAM_REFUSED. */
export async function orderedTurn(jsm: JetStreamManager, ordered: OrderedHandler): Promise<OrderedTurn> {
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const step = nextStep(await standingOf(jsm, ordered), ordered.wish);
    if (step.do === "take") return step.stream;
    if (step.do === "leave") return step;
    if (step.do === "give-up") throw noneThere(ordered);
    await carryOut(jsm, ordered, step);
  }
  throw neverSettled(ordered);
}

/** Its name, as things stand: another one than what is taken says that this is to be bound. Undefined: cannot be said. */
export async function whereOrdered(jsm: JetStreamManager, ordered: OrderedHandler): Promise<string | undefined> {
  const step = nextStep(await standingOf(jsm, ordered), ordered.wish);
  switch (step.do) {
    case "take":
      return step.stream.name;
    case "leave":
      return ordered.wish.division.source;
    case "give-up":
      return undefined;
    default:
      return step.name;
  }
}

async function standingOf(jsm: JetStreamManager, { app, handler, wish }: OrderedHandler): Promise<Standing[]> {
  const infos = await Promise.all(wish.names.map((name) => findStream(jsm, name)));
  const standing = infos.map(async (info) => {
    const stream = info && orderedStreamOf(info);
    if (info === undefined || stream === undefined) return [];
    if (stream.isFed) return [{ ...stream, left: 0, copiedTo: undefined }];
    const left = await leftIn(jsm, { app, handler, stream });
    return [{ ...stream, left, copiedTo: await copiedTo(jsm, info, stream) }];
  });
  return (await Promise.all(standing)).flat();
}

export interface OrderedPart {
  readonly app: string;
  readonly handler: string;
  readonly stream: OrderedStream;
}

export function partitionDurable({ app, handler, stream }: OrderedPart, partition: number): string {
  return durableNameOf(app, handler, partitionFilter(stream, partition));
}

/** Messages that are not settled; of a partition that nobody has taken from yet, all. */
export async function leftIn(jsm: JetStreamManager, part: OrderedPart): Promise<number> {
  const { partitions } = part.stream.division;
  const infos = await durablesOf(jsm, part.stream.name);
  let left = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const info = infos.get(partitionDurable(part, partition));
    left += info === undefined ? await storedIn(jsm, part.stream, partition) : waitingOf(info);
  }
  return left;
}

async function durablesOf(jsm: JetStreamManager, stream: string): Promise<Map<string, ConsumerInfo>> {
  const found = new Map<string, ConsumerInfo>();
  for await (const info of jsm.consumers.list(stream)) found.set(info.name, info);
  return found;
}

async function storedIn(jsm: JetStreamManager, stream: OrderedStream, partition: number): Promise<number> {
  const { state } = await jsm.streams.info(stream.name, { subjects_filter: partitionFilter(stream, partition) });
  return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
}

/** O1. */
async function copiedTo(
  jsm: JetStreamManager,
  { state }: StreamInfo,
  stream: OrderedStream,
): Promise<number | undefined> {
  const { name, begunWith } = stream;
  const query = { last_by_subj: everyPartition(stream) };
  const last = state.messages === 0 ? null : await jsm.streams.getMessage(name, query);
  return copiedNumber(last?.header) ?? (begunWith === undefined ? undefined : begunWith - 1);
}

async function carryOut(
  jsm: JetStreamManager,
  { copies, wish }: OrderedHandler,
  step: Exclude<OrderStep, { do: "take" | "give-up" | "leave" }>,
): Promise<void> {
  switch (step.do) {
    case "make": {
      const config = orderedStreamConfig(step.name, wish.division, step.from);
      const lowered: Wish = { num_replicas: copies };
      await withinLimits(lowered, (granted) => jsm.streams.add({ ...config, ...granted })).catch(unlessMade);
      return;
    }
    case "feed-no-more":
      await jsm.streams.update(step.name, fedNoMore(step.name)).catch(unlessGone);
      return;
    case "remove":
      // One of its name may be made at once. On nats-server 2.15.1 that can have the messages of this one, unless they are purged.
      await jsm.streams.purge(step.name).catch(unlessGone);
      await jsm.streams.delete(step.name).catch(unlessGone);
      return;
  }
}

/** Another replica was first. */
function unlessGone(error: unknown): void {
  if (!isApiError(error, ApiCode.streamNotFound)) throw error;
}

/**
 * What every partition has settled is removed, where there is much of it. Rejects as the client does.
 *
 * How far the stream reaches is read before the durables are: what comes meanwhile is later than all that is removed.
 */
export async function removeSettled(jsm: JetStreamManager, { name, division }: OrderedStream): Promise<void> {
  const { state } = await jsm.streams.info(name);
  const durables = [...(await durablesOf(jsm, name)).values()];
  // One that is not there yet needs everything.
  if (durables.length < division.partitions) return;
  const spared = state.last_seq - SPARE_MESSAGES; // O1
  const needed = Math.min(firstNeeded(durables) ?? spared, spared);
  if (needed > state.first_seq) await jsm.streams.purge(name, { seq: needed });
}

/** Why the stream cannot be copied; undefined: it can. Pure. */
export function notCopied({ config }: StreamInfo): string | undefined {
  switch (config.retention) {
    case RetentionPolicy.Limits:
      return undefined;
    default:
      return `has retention "${config.retention}", which keeps its messages for its own consumers: a copy would miss some`;
  }
}

function noneThere({ handler, wish }: OrderedHandler): RuntimeError {
  const { subject } = wish.division;
  const message = `handler "${handler}" takes "${subject}" in order over all replicas, from a stream of its own ("${wish.names[0]}"), which is not there`;
  return new RuntimeError("STREAM_MISSING", message, {
    handler,
    remedy:
      "Run `handlers start --provision` once, with a user who may make it (`handlers permissions --for provision`).",
  });
}

function neverSettled({ handler, wish }: OrderedHandler): RuntimeError {
  const message = `the streams of handler "${handler}" for its order (${wish.names.join(", ")}) are changed by others all the time`;
  return new RuntimeError("STREAM_REFUSED", message, { handler });
}
