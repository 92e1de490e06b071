// Somebody who has the list of messages open, in a process of its own: holds the lease that the page's server holds, with
// payloads, and counts what it is told.

import { connect, type NatsConnection } from "@nats-io/transport-node";
import { systemClock } from "../../../runtime/clock.ts";
import { followMessages } from "../../../runtime/control/follow-messages.ts";
import { serve } from "../rpc.ts";

export interface Heard {
  readonly recorded: number;
  /** Of those that were not recorded the runtime tells how many. */
  readonly missed: number;
}

let nats: NatsConnection;
let stop = new AbortController();
let following: Promise<void> = Promise.resolve();
let heard = { recorded: 0, missed: 0 };

async function follow(app: string, signal: AbortSignal, onHeard: () => void): Promise<void> {
  const options = { connection: nats, app, inboxPrefix: undefined, clock: systemClock, payloads: true, signal };
  for await (const { seen, missed = {} } of followMessages(options)) {
    onHeard();
    heard.recorded += seen.filter(({ kind }) => kind === "run").length;
    heard.missed += Object.values(missed).reduce((sum, count) => sum + count, 0);
  }
}

const commands = {
  start: async (natsUrl: string): Promise<void> => {
    nats = await connect({ servers: natsUrl, name: "bench/onlooker", noAsyncTraces: true });
  },
  /** Resolves when the runtime has answered. */
  open: async (app: string): Promise<void> => {
    stop = new AbortController();
    heard = { recorded: 0, missed: 0 };
    const answered = Promise.withResolvers<void>();
    following = follow(app, stop.signal, answered.resolve);
    await answered.promise;
  },
  heard: (_: null): Heard => heard,
  /** The runtime records on until the lease has run out. */
  shut: async (_: null): Promise<void> => {
    stop.abort();
    await following;
  },
  close: (_: null): Promise<void> => nats.close(),
};

export type OnlookerCommands = typeof commands;

serve(commands);
