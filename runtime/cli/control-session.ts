// What the operator's commands have in common: a connection, the replicas that run, the names that are meant.

import { hostname, userInfo } from "node:os";
import { systemClock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { ControlClient, noRuntime } from "../control/client.ts";
import type { ReplicaInfo, ReportedHandler, StatusReply } from "../control/control-protocol.ts";
import { findNames } from "../control/handler-names.ts";
import { RuntimeError } from "../errors.ts";
import { didYouMean } from "../metadata/nearest.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { handlersOf, type OperatorSession } from "../operate/session.ts";
import type { Switched } from "../operate/switch-handlers.ts";
import { copiesFor } from "../streams/own-stream.ts";
import { type Output, printLine, type Terminal } from "../terminal/terminal.ts";
import type { GlobalOptions } from "./global-options.ts";
import { withConnection } from "./nats-client.ts";

export function withControl<T>(
  terminal: Terminal,
  options: GlobalOptions,
  use: (session: OperatorSession) => Promise<T>,
): Promise<T> {
  return withConnection(terminal, options, (connection, config) => use(sessionOf(connection, config)));
}

export function sessionOf(
  connection: NatsConnection,
  { app, nats, copies }: Pick<ResolvedConfig, "app" | "nats" | "copies">,
): OperatorSession {
  const client = new ControlClient(connection, app, nats.inboxPrefix, systemClock);
  return { app, connection, client, copies: copiesFor(copies, connection) };
}

/** What every replica says. Rejects with NATS_UNREACHABLE when none runs. */
export async function statusOfAll({ client, app }: OperatorSession): Promise<StatusReply[]> {
  const replies = await client.status();
  if (replies.length === 0) throw noRuntime(app);
  return replies;
}

/** Each handler once, as a replica that knows most of it has it. */
export function placedIn(replies: readonly StatusReply[]): ReportedHandler[] {
  const handlers = replies.flatMap((reply) => reply.handlers);
  return [...handlersOf(replies)].map((name) => {
    const own = handlers.filter((handler) => handler.name === name);
    return own.find(({ kind }) => kind !== undefined) ?? own[0]!;
  });
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
    // A container's user need not have a name.
    return env.USER || `uid ${process.getuid?.() ?? "unknown"}`;
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

/** Replicas that went away before they could do what was asked: no failure, but the operator counted on them. */
export function printGone({ err }: Terminal, gone: readonly ReplicaInfo[]): void {
  for (const replica of gone)
    printLine(err, `${err.paint("dim", "-")} replica ${replicaText(replica)} has gone meanwhile`);
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

/** @param unseen what it means that no runtime runs; undefined when one does */
export function printReplicas(
  terminal: Terminal,
  app: string,
  { late, gone, keptBy, waitMs }: Switched,
  unseen: string | undefined,
): void {
  const { err } = terminal;
  if (unseen !== undefined)
    printLine(err, `${err.paint("yellow", "!")} no runtime of app "${app}" runs: ${unseen} from the next start on`);
  if (keptBy === "replicas") {
    const bucket = "the bucket that says which handlers are disabled takes nothing now";
    printLine(err, `${err.paint("yellow", "!")} ${bucket}: the replicas write it there when it does`);
  }
  printGone(terminal, gone);
  printLate(terminal, late, waitMs);
}
