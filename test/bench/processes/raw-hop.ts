// The raw client, its handlers in a second process: requests are answered by way of it.

import { connect, type NatsConnection } from "@nats-io/transport-node";
import { serve } from "../rpc.ts";
import { otherProcess } from "./other-process.ts";
import type { RawStart } from "./raw.ts";

let connection: NatsConnection | undefined;
let invalid = 0;

async function start({ natsUrl, works }: RawStart): Promise<void> {
  const nats = await connect({ servers: natsUrl, name: "bench/raw-hop", noAsyncTraces: true });
  connection = nats;
  for (const { name, subject } of works) {
    const handle = otherProcess();
    nats.subscribe(subject, {
      queue: name,
      callback: (error, message) => {
        if (error !== null) return;
        handle(message.data, (answer) => {
          if (answer.length === 0) invalid++;
          else message.respond(answer);
        });
      },
    });
  }
  await nats.flush();
}

const commands = {
  start,
  failures: async (_: null): Promise<string[]> => (invalid === 0 ? [] : [`raw-hop: ${invalid} invalid payloads`]),
  startProfile: async (_: null) => undefined,
  stopProfile: async (_: string) => undefined,
  close: async (_: null) => {
    await connection?.close();
  },
};

serve(commands);
