// The limit for durable messages: one process, the client's `consume` with a callback that parses, validates and acks. Or, with
// `hop`, has a second process parse and validate, and acks then.

import { AckPolicy, type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { startProfile, stopProfile } from "../measure/profile.ts";
import { serve } from "../rpc.ts";
import { benchSchema } from "../schema.ts";
import { otherProcess } from "./other-process.ts";

export interface RawDurableStart {
  readonly natsUrl: string;
  readonly stream: string;
  readonly subject: string;
  /** How many the stream holds. */
  readonly messages: number;
  readonly progress: string;
  readonly step: number;
  readonly atOnce: number;
  readonly hop?: boolean | undefined;
}

let options: RawDurableStart;
let connection: NatsConnection;
let consuming: ConsumerMessages | undefined;
let handled = 0;
let invalid = 0;
let elsewhere: ReturnType<typeof otherProcess> | undefined;

async function start(given: RawDurableStart): Promise<void> {
  options = given;
  if (given.hop) elsewhere = otherProcess();
  connection = await connect({ servers: given.natsUrl, name: "bench/raw-durable", noAsyncTraces: true });
}

/** Take everything stored from the beginning. Resolves when it has begun. */
async function again(name: string): Promise<void> {
  await consuming?.close();
  const { stream, subject, atOnce } = options;
  const manager = await jetstreamManager(connection);
  await manager.consumers.add(stream, {
    durable_name: name,
    filter_subject: subject,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: atOnce === 1 ? 1 : atOnce * 4,
  });
  const source = await jetstream(connection).consumers.get(stream, name);
  consuming = await source.consume({
    max_messages: Math.max(2, atOnce),
    callback:
      elsewhere === undefined
        ? handle
        : (message) => elsewhere?.(message.data, (answer) => end(message, answer.length > 0)),
  });
}

function handle(message: JsMsg): void {
  end(message, benchSchema.safeParse(message.json()).success);
}

function end(message: JsMsg, isValid: boolean): void {
  if (isValid) message.ack();
  else invalid++;
  if (++handled % options.step === 0) connection.publish(options.progress);
}

const commands = {
  start,
  again,
  failures: async (_: null): Promise<string[]> => (invalid === 0 ? [] : [`raw: ${invalid} invalid payloads`]),
  startProfile: (_: null) => startProfile(),
  stopProfile,
  close: async (_: null) => {
    await consuming?.close();
    await connection.close();
  },
};

export type RawDurableCommands = typeof commands;

serve(commands);
