// Which stored messages a replay sends again: those of the handler's subjects that its durables have been handed, from one
// point to another. What they have not been handed yet comes by itself.

import type { JetStreamManager } from "@nats-io/jetstream";
import { deadLetterStream } from "../dead-letters/letter-store.ts";
import { RuntimeError } from "../errors.ts";
import type { AppDurable } from "../streams/left-durables.ts";
import { firstStoredSince, type StoredRange } from "../streams/stored-messages.ts";

/** A number of the stream, or milliseconds since the Unix epoch. */
export type Point = { readonly seq: number } | { readonly atMs: number };

export interface ReplaySpan {
  readonly from: Point;
  /** It is in it; undefined: what is stored now. */
  readonly to: Point | undefined;
}

export interface ReplayPlan {
  readonly ranges: readonly StoredRange[];
  /** Messages within the span that the handler's durables have not been handed may be there: they come by themselves. */
  readonly othersCome: boolean;
}

type Durable = Pick<AppDurable, "stream" | "filter" | "deliveredTo">;

/** Rejects with USAGE where it cannot be done, else with the client's errors. @param jsm of the JetStream that has the streams */
export async function planReplay(
  { jsm, app, handler }: { readonly jsm: JetStreamManager; readonly app: string; readonly handler: string },
  durables: readonly Durable[],
  { from, to }: ReplaySpan,
): Promise<ReplayPlan> {
  const streams = [...new Set(durables.map(({ stream }) => stream))];
  assertReplayable(app, handler, streams, { from, to });
  const plans = await Promise.all(
    streams.map(async (stream) => {
      const { state } = await jsm.streams.info(stream);
      const since = (atMs: number) => firstStoredSince({ jsm, stream }, atMs, state);
      const first = "seq" in from ? from.seq : await since(from.atMs);
      const end = to === undefined ? state.last_seq : "seq" in to ? to.seq : (await since(to.atMs + 1)) - 1;
      const last = Math.min(state.last_seq, end);
      const own = durables.filter((durable) => durable.stream === stream);
      return own.map(({ filter, deliveredTo }) => ({
        range: { jsm, stream, subject: filter, first: Math.max(1, first), last: Math.min(last, deliveredTo) },
        isCut: deliveredTo < last,
      }));
    }),
  );
  const all = plans.flat();
  return { ranges: all.map(({ range }) => range), othersCome: all.some(({ isCut }) => isCut) };
}

/** Throws USAGE. */
function assertReplayable(app: string, handler: string, streams: readonly string[], { from, to }: ReplaySpan): void {
  if (streams.includes(deadLetterStream(app))) {
    const message = `handler "${handler}" takes dead letters: what makes them such is lost on the way of a replay`;
    throw new RuntimeError("USAGE", message, { handler });
  }
  const isByNumber = "seq" in from || (to !== undefined && "seq" in to);
  if (streams.length < 2 || !isByNumber) return;
  const names = streams.map((name) => `"${name}"`).join(", ");
  throw new RuntimeError(
    "USAGE",
    `handler "${handler}" takes from several streams, ${names}: each has its own numbers`,
    {
      handler,
      remedy: 'Say from when: --from 2h, or --from "2030-01-31T18:30".',
    },
  );
}
