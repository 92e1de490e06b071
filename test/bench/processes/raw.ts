// The limit: one process, the NATS client, a callback that parses, validates and does the work. What a user would write
// by hand, with the option that makes it fast (`noAsyncTraces`), as ours has it.

import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { startProfile, stopProfile } from "../measure/profile.ts";
import { serve } from "../rpc.ts";
import { benchSchema } from "../schema.ts";
import { progressSubject, REPLY, type Work } from "../work.ts";

let connection: NatsConnection | undefined;
let invalid = 0;

export interface RawStart {
  readonly natsUrl: string;
  readonly works: readonly Work[];
}

async function start({ natsUrl, works }: RawStart): Promise<void> {
  connection = await connect({ servers: natsUrl, name: "bench/raw", noAsyncTraces: true });
  for (const work of works) {
    const handle = handlerOf(work, connection);
    connection.subscribe(work.subject, {
      queue: work.name,
      callback: (error, message) => {
        if (error === null) handle(message);
      },
    });
  }
  await connection.flush();
}

function handlerOf(work: Work, nats: NatsConnection): (message: Msg) => void {
  const progress = progressSubject(work.name);
  let handled = 0;
  return (message) => {
    const result = benchSchema.safeParse(message.json());
    if (!result.success) return void invalid++;
    if (work.does === "reply") return void message.respond(JSON.stringify(REPLY));
    if (work.does === "publish") nats.publish("bench.out", JSON.stringify({ id: result.data.id }));
    if (++handled % work.step === 0) nats.publish(progress);
  };
}

const commands = {
  start,
  /** What went wrong so far, in one line each. */
  failures: async (_: null): Promise<string[]> => (invalid === 0 ? [] : [`raw: ${invalid} invalid payloads`]),
  startProfile: (_: null) => startProfile(),
  stopProfile,
  close: async (_: null) => {
    await connection?.close();
  },
};

export type RawCommands = typeof commands;

serve(commands);
