// Whether anything is left to do: in the runtime, in the streams, and on the way between them.
//
// What was published reaches the runtime's connection before the answer to a ping that it sends afterwards does: the server
// keeps the order. What a handler publishes then is on its way before the handler's message has ended.

import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import type { Backlog } from "../control/backlog.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";

export interface IdleDeps {
  readonly client: NatsConnection;
  readonly connection: NatsConnection;
  readonly backlog: Pick<Backlog, "ofAll">;
  readonly clock: Clock;
  status(): readonly HandlerStatus[];
  /** Changes with everything that the runtime tells or sends. */
  activity(): number;
}

const LOOK_AGAIN_MS = 10;

/** Rejects when it has not come within the limit, with what is still to be done. */
export async function idle(deps: IdleDeps, limitMs: number): Promise<void> {
  const { clock } = deps;
  const untilMs = clock.monotonicMs() + limitMs;
  for (;;) {
    const before = deps.activity();
    const left = await leftToDo(deps);
    // What ended between two of the questions may have begun something else.
    if (left.length === 0 && deps.activity() === before) return;
    if (clock.monotonicMs() > untilMs) throw new Error(notIdle(left, limitMs));
    await delay(clock, LOOK_AGAIN_MS);
  }
}

/** By handler, in words. */
async function leftToDo({ client, connection, backlog, status }: IdleDeps): Promise<string[]> {
  await client.flush();
  await connection.flush();
  const handlers = status();
  const waiting = await backlog.ofAll(handlers.filter(({ kind }) => kind === "durable"));
  return handlers.flatMap(({ name, inFlight, queued }) => {
    const inStream = waiting.get(name) ?? 0;
    if (inFlight + queued + inStream === 0) return [];
    return [`"${name}": ${inFlight} running, ${queued} queued, ${inStream} not settled in its stream`];
  });
}

function notIdle(left: readonly string[], limitMs: number): string {
  const what = left.length === 0 ? "handlers keep publishing" : left.join("\n  ");
  return `not idle within ${limitMs} ms:\n  ${what}\nWhat fails waits for its retry: \`retry\` in the metadata says how long, and \`defaults.retry\` in the option \`config\`.`;
}
