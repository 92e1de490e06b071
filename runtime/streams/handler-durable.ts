// Which durable consumer is a handler's, for a subject.
//
// H1  A durable belongs to one handler and one subject, and never changes it: the server would go on from where it is, and
//     skip what is stored of the new subject before that, and what waits of the old one for good.
// H2  One of the name that durables had before (durable-name.ts) is the handler's where it is of this handler and subject:
//     what waits in it goes on. Else, and once there is one of today's name, that is the handler's.
// H3  Versions that take different subjects run side by side, each from its own.

import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { matches } from "../metadata/subject.ts";
import { consumerRefusal } from "./durable-refusal.ts";
import { type AppDurable, appDurables } from "./left-durables.ts";
import { describedOwner, findConsumer } from "./stored-consumer.ts";

export interface DurablePlace {
  readonly app: string;
  readonly handler: string;
  readonly stream: string;
  readonly filter: string;
}

export interface DurableNames {
  readonly name: string;
  /** As it was called before. */
  readonly earlier: string;
}

/** H2: its name, whether it is there already or not. Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED. */
export async function durableFor(
  connection: NatsConnection,
  jsm: JetStreamManager,
  place: DurablePlace,
  { name, earlier }: DurableNames,
): Promise<string> {
  try {
    const { stream } = place;
    if ((await findConsumer(jsm, stream, name)) !== undefined) return name;
    return isOf(place, await findConsumer(jsm, stream, earlier)) ? earlier : name;
  } catch (error) {
    throw consumerRefusal(connection, error, { ...place, durable: name });
  }
}

/** Whether a consumer of an earlier name is that of this handler and subject. Pure. */
export function isOf({ app, handler, filter }: Omit<DurablePlace, "stream">, info: ConsumerInfo | undefined): boolean {
  const owner = describedOwner(info?.config.description);
  return owner?.app === app && owner.handler === handler && info?.config.filter_subject === filter;
}

/** The handler's durables of other subjects, and of this one under another name. Rejects as the client does. */
export async function otherDurables(
  jsm: JetStreamManager,
  { app, handler, stream, durable }: Omit<DurablePlace, "filter"> & { readonly durable: string },
): Promise<AppDurable[]> {
  const all = await appDurables(jsm, stream, app);
  return all.filter((one) => one.handler === handler && one.durable !== durable);
}

/** Whether one of them has settled the message: its subject is both an older one's and the handler's now. Pure. */
export function settledByOther(others: readonly AppDurable[], subject: string, sequence: number): boolean {
  return others.some(({ filter, settledTo }) => sequence <= settledTo && matches(filter, subject));
}
