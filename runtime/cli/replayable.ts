// The handler whose messages are to be replayed, and the durables it takes them from.

import { RuntimeError } from "../errors.ts";
import { claims } from "../metadata/claims.ts";
import { bucketsOf, ownDurables } from "../operate/kept-messages.ts";
import { handlersOf, isOffIn, type OperatorSession } from "../operate/session.ts";
import { type AppDurable, durablesOf } from "../streams/left-durables.ts";
import { meantHandlers, placedIn, statusOfAll } from "./control-session.ts";

export interface Replayable {
  readonly name: string;
  /** Of the JetStream that has its streams; undefined: that of the account. */
  readonly domain: string | undefined;
  /** At least one. */
  readonly durables: readonly AppDurable[];
  readonly oneAtATime: boolean;
  /** In every replica. */
  readonly isOff: boolean;
}

/** Rejects with NATS_UNREACHABLE, HANDLER_NOT_FOUND, or with USAGE where nothing can be replayed to it. */
export async function replayable(word: string, session: OperatorSession): Promise<Replayable> {
  const { app, connection } = session;
  const replies = await statusOfAll(session);
  const names = meantHandlers([word], handlersOf(replies));
  if (names.length > 1) throw new RuntimeError("USAGE", `name one handler; "${word}" are ${names.join(", ")}`);
  const [name = ""] = names;
  const { kind, domain, ...placed } = placedIn(replies).find((one) => one.name === name)!;
  if (kind === "event" || kind === "request") throw notKept(name, kind);
  const durables = await durablesOf(connection, app, { domain, buckets: bucketsOf(replies) });
  const own = ownDurables(name, { app, durables, replies });
  if (own.length === 0) throw withoutDurable(name, claims(placed));
  if (own.some(({ isPartition }) => isPartition)) throw inOrder(name);
  const oneAtATime = own.some((durable) => durable.oneAtATime);
  return { name, domain, durables: own, oneAtATime, isOff: isOffIn(name, replies) };
}

function notKept(handler: string, kind: "event" | "request"): RuntimeError {
  const why =
    kind === "event"
      ? "it hears messages as they pass, and has none in a stream"
      : "nobody waits for its reply any more";
  return new RuntimeError("USAGE", `handler "${handler}" is of kind "${kind}": ${why}`, {
    handler,
    remedy: 'Only messages of handlers of kind "durable" can be replayed.',
  });
}

function inOrder(handler: string): RuntimeError {
  const message = `handler "${handler}" has its messages in order over all replicas, and what is replayed would run beside them`;
  return new RuntimeError("USAGE", message, {
    handler,
    remedy: "Give a handler of another name the same function, with `from` as the time to begin with.",
  });
}

function withoutDurable(handler: string, subjects: readonly string[]): RuntimeError {
  const of = subjects.length === 0 ? "" : ` for ${subjects.join(", ")}`;
  return new RuntimeError("USAGE", `handler "${handler}" has had no messages yet: it has no durable consumer${of}`, {
    handler,
    remedy: `See \`handlers inspect ${handler}\`: it is disabled since its first start, or its stream is missing.`,
  });
}
