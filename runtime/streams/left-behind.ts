// What waits in durables that nobody takes from any more: their handlers take another subject now, are of another kind, or
// are gone. Told, since nobody else would.

import type { NatsConnection } from "@nats-io/transport-node";
import type { Emit } from "../events.ts";
import { claims, quotedClaims } from "../metadata/claims.ts";
import { type AppDurable, durablesIn } from "./left-durables.ts";

/** What a handler takes, as one that runs it says: replicas of different versions may not agree. */
export interface Taken {
  readonly handler: string;
  /** Of streams. */
  readonly subjects: readonly string[];
}

/** What is told of one. */
export type LeftDurable = Pick<AppDurable, "stream" | "durable" | "handler" | "filter" | "waiting">;

/** Those that no running version takes from. A handler of which nothing is known keeps all of its own. Pure. */
export function leftDurables(durables: readonly AppDurable[], taken: readonly Taken[]): AppDurable[] {
  const byHandler = Map.groupBy(taken, ({ handler }) => handler);
  return durables.filter(({ handler, filter }) => {
    const known = byHandler.get(handler) ?? [];
    return known.length > 0 && !known.some(({ subjects }) => subjects.includes(filter));
  });
}

/** `4 messages of "t.a" left in durable "shop-h-1f0c22ab" of stream "T": ` and why. */
export function leftText({ filter, stream, durable, waiting }: LeftDurable, why: string): string {
  const count = waiting === 1 ? "1 message" : `${waiting} messages`;
  return `${count} of "${filter}" left in durable "${durable}" of stream "${stream}": ${why}`;
}

/** @param now what the handler takes instead, in words; undefined: it is gone */
export function leftNotice(left: LeftDurable, now: string | undefined): string {
  const handler = `handler "${left.handler}"`;
  const why =
    now === undefined
      ? `${handler} is gone. Put its file back to have them handled`
      : `${handler} takes ${now} now, and only a replica of an older version handles them. Set the subject back to have them handled`;
  return `${leftText(left, why)}; \`handlers prune\` shows and removes what is left`;
}

/** What a handler takes, in words. */
export function takesText(handler: {
  readonly kind: string | undefined;
  readonly subjects: readonly string[] | undefined;
}): string {
  return `${quotedClaims(claims(handler))}${handler.kind === "durable" ? "" : ` as ${handler.kind} handler`}`;
}

export interface TellLeftOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Names of those that its handlers take from. */
  readonly streams: readonly string[];
  /** Of the handlers that are there, as far as a version of theirs has said it. */
  readonly handlers: readonly {
    readonly name: string;
    readonly kind: string | undefined;
    readonly subjects: readonly string[] | undefined;
  }[];
  readonly emit: Emit;
}

/** For the log of `dev` and `start`: what earlier versions have left. Never rejects. */
export async function tellLeftBehind({ connection, app, streams, handlers, emit }: TellLeftOptions): Promise<void> {
  const known = handlers.filter((one) => claims(one).length > 0);
  const taken = known.map(
    (one): Taken => ({
      handler: one.name,
      subjects: one.kind === "durable" ? claims(one) : [],
    }),
  );
  // Nothing depends on it: `handlers prune` says why it cannot be known.
  const durables = await durablesIn(connection, app, streams).catch(() => []);
  for (const left of leftDurables(durables, taken)) {
    const now = known.find(({ name }) => name === left.handler);
    if (now === undefined || left.waiting === 0) continue;
    emit({ type: "runtime.notice", level: "warn", message: leftNotice(left, takesText(now)) });
  }
}
