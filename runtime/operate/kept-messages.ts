// What waits in the durables of an app, seen beside what its replicas say they take: for the commands that tell of it.

import type { StatusReply } from "../control/control-protocol.ts";
import { redriveSubject } from "../dead-letters/dead-letter.ts";
import { redriveStream } from "../dead-letters/redrive-watch.ts";
import { claims } from "../metadata/claims.ts";
import { storeOfSubject, streamOfStore } from "../metadata/store.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { type LeftDurable, leftDurables, leftText, type Taken } from "../streams/left-behind.ts";
import { type AppDurable, durablesOf } from "../streams/left-durables.ts";

/** Also those of domains that handlers take from. None where there is no JetStream, or we may not look. Never rejects. */
export async function durablesSeen(
  connection: NatsConnection,
  app: string,
  replies: readonly StatusReply[],
): Promise<readonly AppDurable[]> {
  const named = new Set(replies.flatMap(({ handlers }) => handlers.flatMap(({ domain }) => domain ?? [])));
  const domains = lacksJetStream(connection) ? [...named] : [undefined, ...named];
  const buckets = bucketsOf(replies);
  const look = (domain: string | undefined) => durablesOf(connection, app, { domain, buckets }).catch(() => []);
  return (await Promise.all(domains.map(look))).flat();
}

/** The streams of those whose changes handlers take. */
export function bucketsOf(replies: readonly StatusReply[]): readonly string[] {
  const subjects = replies.flatMap(({ handlers }) => handlers.flatMap((one) => claims(one)));
  const stores = subjects.flatMap((subject) => storeOfSubject(subject) ?? []);
  return [...new Set(stores.map(streamOfStore))];
}

export interface KeptMessages {
  readonly app: string;
  readonly durables: readonly AppDurable[];
  readonly replies: readonly StatusReply[];
}

/**
 * Messages of the stream that each of these handlers has not settled: of the subjects that its replicas take, or of all
 * where none has said so. One that has no such durable is not in it.
 */
export function pendingOf(names: readonly string[], kept: KeptMessages): Map<string, number> {
  const counts = names.map((name) => [name, ownDurables(name, kept)] as const).filter(([, own]) => own.length > 0);
  return new Map(counts.map(([name, own]) => [name, own.reduce((sum, { waiting }) => sum + waiting, 0)]));
}

/** How long an operator has paused what the handler takes from, in milliseconds; undefined: it is not paused. */
export function pausedForMs(name: string, kept: KeptMessages): number | undefined {
  const paused = ownDurables(name, kept).flatMap((durable) => durable.pausedForMs ?? []);
  return paused.length === 0 ? undefined : Math.max(...paused);
}

/**
 * Those that no running version of their handler takes from. Without a replica that has run it nothing is known of a
 * handler.
 */
export function leftBehind({ app, durables, replies }: KeptMessages): LeftDurable[] {
  const all = replies.flatMap(({ handlers }) => handlers);
  const unknown = new Set(all.filter((one) => claims(one).length === 0).map(({ name }) => name));
  const taken = all
    .filter(({ name }) => !unknown.has(name))
    .map((one): Taken => {
      const ofStreams = one.kind === "durable" ? claims(one) : [];
      return { handler: one.name, subjects: [...ofStreams, redriveSubject(app, one.name)] };
    });
  return leftDurables(durables, taken).map(told);
}

/** For `--json`: what stays the same. */
export function told({ stream, durable, handler, filter, waiting }: LeftDurable): LeftDurable {
  return { stream, durable, handler, filter, waiting };
}

export function leftLine(left: LeftDurable): string {
  return leftText(left, `no version of ${left.handler} that runs takes them`);
}

export function ownDurables(name: string, { app, durables, replies }: KeptMessages): AppDurable[] {
  const said = replies.flatMap(({ handlers }) => handlers.filter((one) => one.name === name));
  const subjects = said.flatMap(claims);
  const own = durables.filter(
    ({ handler, stream, filter }) =>
      handler === name && stream !== redriveStream(app) && (subjects.length === 0 || subjects.includes(filter)),
  );
  // What it took in another way before stands still, and counts nothing.
  const inOrder = said.some((one) => one.inOrder === true);
  const putsInOrder = said.some((one) => one.putsInOrder === true);
  return own.filter(({ isPartition }) => isPartition === inOrder || putsInOrder);
}
