// Whether anything is left to do: in the runtime, in the streams, and on the way between them.
//
// What was published reaches the runtime's connection before the answer to a ping that it sends afterwards does: the server
// keeps the order. What a handler publishes then is on its way before the handler's message has ended.

import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import type { Backlog } from "../control/backlog.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";
import { type UncopiedDeps, uncopied } from "./uncopied.ts";

export interface IdleDeps extends UncopiedDeps {
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
  const left = await leftAfter(deps, limitMs, () => leftToDo(deps));
  if (left !== undefined) throw new Error(notIdle(left, limitMs));
}

/**
 * Resolves with undefined as soon as `look` finds nothing left to do and nothing has happened meanwhile, else with what it
 * found last within the limit.
 */
export async function leftAfter(
  { clock, activity }: Pick<IdleDeps, "clock" | "activity">,
  limitMs: number,
  look: () => Promise<readonly string[]>,
): Promise<string | undefined> {
  const untilMs = clock.monotonicMs() + limitMs;
  for (;;) {
    const before = activity();
    const left = await look();
    // What ended between two of the questions may have begun something else.
    if (left.length === 0 && activity() === before) return undefined;
    if (clock.monotonicMs() > untilMs) return left.length === 0 ? "handlers keep publishing" : left.join("\n  ");
    await delay(clock, LOOK_AGAIN_MS);
  }
}

/** By handler, in words. */
async function leftToDo(deps: IdleDeps): Promise<string[]> {
  const { client, connection, backlog, status } = deps;
  await client.flush();
  await connection.flush();
  const handlers = status();
  const onTheirWay = await uncopied(deps, handlers);
  const waiting = await backlog.ofAll(handlers.filter(({ kind }) => kind === "durable"));
  return [...onTheirWay, ...handlers.flatMap((handler) => leftOf(handler, waiting.get(handler.name) ?? 0))];
}

/** In words; nothing when there is nothing. */
export function leftOf({ name, inFlight, queued }: HandlerStatus, inStream: number): string[] {
  if (inFlight + queued + inStream === 0) return [];
  return [`"${name}": ${inFlight} running, ${queued} queued, ${inStream} not settled in its stream`];
}

function notIdle(left: string, limitMs: number): string {
  return `not idle within ${limitMs} ms:\n  ${left}\nWhat fails waits for its retry: \`retry\` in the metadata says how long, and \`defaults.retry\` in the option \`config\`; \`advance\` makes it due.`;
}
