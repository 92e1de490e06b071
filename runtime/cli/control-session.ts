// What the operator's commands have in common: a connection, the replicas that run, the names that are meant.

import { hostname, userInfo } from "node:os";
import type { NatsConnection } from "../bind/connection.ts";
import { systemClock } from "../clock.ts";
import { ControlClient, noRuntime } from "../control/client.ts";
import type { ReplicaInfo, StatusReply } from "../control/control-protocol.ts";
import { findNames } from "../control/handler-names.ts";
import { RuntimeError } from "../errors.ts";
import { didYouMean } from "../metadata/nearest.ts";
import type { GlobalOptions } from "./global-options.ts";
import { withConnection } from "./nats-client.ts";
import { type Output, printLine, type Terminal } from "./terminal.ts";

export interface ControlSession {
  readonly app: string;
  readonly connection: NatsConnection;
  readonly client: ControlClient;
}

export function withControl<T>(
  terminal: Terminal,
  options: GlobalOptions,
  use: (session: ControlSession) => Promise<T>,
): Promise<T> {
  return withConnection(terminal, options, (connection, { app, nats }) => {
    return use({ app, connection, client: new ControlClient(connection, app, nats.inboxPrefix, systemClock) });
  });
}

/** What every replica says. Rejects with NATS_UNREACHABLE when none runs. */
export async function statusOfAll({ client, app }: ControlSession): Promise<StatusReply[]> {
  const replies = await client.status();
  if (replies.length === 0) throw noRuntime(app);
  return replies;
}

export function handlersOf(replies: readonly StatusReply[]): Set<string> {
  return new Set(replies.flatMap(({ handlers }) => handlers.map(({ name }) => name)));
}

/** Who is to act by an intent: those that answer, and those that watch the bucket and do not. */
export function replicasOf(replies: readonly StatusReply[], watchers: readonly ReplicaInfo[]): readonly ReplicaInfo[] {
  const replicas = [...watchers, ...replies.map(({ replica }) => replica)];
  return [...new Map(replicas.map((replica) => [replica.instance, replica])).values()];
}

/** The handlers that the words mean; all of them without words. Throws HANDLER_NOT_FOUND, with the name that was meant. */
export function meantHandlers(words: readonly string[], known: ReadonlySet<string>): readonly string[] {
  if (words.length === 0) return [...known].sort();
  const { names, unknown } = findNames(words, known);
  if (unknown.length > 0) throw unknownHandlers(unknown, known);
  return names;
}

export function unknownHandlers(words: readonly string[], known: ReadonlySet<string>, remedy?: string): RuntimeError {
  const told = words.map((word) => `no replica has a handler ${JSON.stringify(word)}.${didYouMean(word, known)}`);
  const message = told.join("\n").replace(/\.$/, "");
  return new RuntimeError("HANDLER_NOT_FOUND", message, remedy === undefined ? {} : { remedy });
}

/** Who gives the order, for those who wonder later. */
export function operatorName(env: Terminal["env"]): string {
  return `${userName(env)}@${hostname()}`;
}

function userName(env: Terminal["env"]): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER ?? "unknown"; // A container's user need not have a name.
  }
}

export function replicaText({ instance, host, pid }: ReplicaInfo): string {
  return `${instance} (${host}, pid ${pid})`;
}

export function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Replicas that are there and say nothing: what they run, and how, nobody knows. */
export function silentLines(silent: readonly ReplicaInfo[], { paint }: Output): string[] {
  return silent.map((replica) => `${paint("red", "✗")} replica ${replicaText(replica)} does not answer`);
}

/** Replicas that have not done what was asked, each by name. */
export function printLate({ err }: Terminal, late: readonly ReplicaInfo[], limitMs: number): void {
  for (const replica of late) {
    printLine(
      err,
      `${err.paint("red", "✗")} replica ${replicaText(replica)} has not applied it within ${limitMs / 1_000} s`,
    );
  }
}
