// Ends one message that runs, wherever it does. It is found first: a message of a stream has one id for all its handlers, and
// only the one that is meant is to lose it.

import type { RunningAnywhere } from "../control/client.ts";
import type { ReplicaInfo } from "../control/control-protocol.ts";
import { watchersOf } from "../control/intent-watchers.ts";
import { RuntimeError } from "../errors.ts";
import type { OperatorSession } from "./session.ts";

export interface CancelWish {
  readonly id: string;
  /** Undefined: whoever runs it, if that is one. */
  readonly handler?: string | undefined;
  readonly by: string;
}

export interface CancelledMessage {
  readonly handler: string;
  readonly id: string;
  readonly subject: string;
  readonly ranMs: number;
  readonly replica: ReplicaInfo;
}

/** What runs on every replica that answers, longest first. */
export function allRunning(
  { client, connection, app }: OperatorSession,
  names: readonly string[] = [],
): Promise<RunningAnywhere> {
  return client.running(names, watchersOf(connection, app));
}

/**
 * Resolves when it has ended; undefined when nobody runs it, or it has ended before. Rejects with USAGE when several handlers
 * run it, or REQUEST_FAILED when its replica does not say that it has ended.
 */
export async function cancelRunning(
  session: OperatorSession,
  { id, handler, by }: CancelWish,
): Promise<CancelledMessage | undefined> {
  const { running } = await allRunning(session, handler === undefined ? [] : [handler]);
  const meant = running.filter((one) => one.id === id);
  const handlers = [...new Set(meant.map((one) => one.handler))];
  if (handlers.length > 1)
    throw new RuntimeError("USAGE", `message ${id} runs in ${handlers.sort().join(" and ")}`, {
      remedy: "Say whose run is to end: --handler NAME.",
    });
  const [found] = meant;
  if (found === undefined) return undefined;
  const { subject, ranMs, replica } = found;
  const end = await session.client.cancel({ handler: found.handler, id, by }, [replica]);
  if (end === "not-running") return undefined;
  if (end === "silent") throw notEnded(id, replica);
  return { handler: found.handler, id, subject, ranMs, replica };
}

function notEnded(id: string, { instance, host, pid }: ReplicaInfo): RuntimeError {
  const text = `replica ${instance} (${host}, pid ${pid}) has not said that message ${id} has ended`;
  return new RuntimeError("REQUEST_FAILED", text, {
    remedy: "Look whether it still runs: `handlers running`.",
  });
}
