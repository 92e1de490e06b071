// Durable messages with an ack for each. So far the raw side alone: this version does not serve durable handlers.

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Lab } from "../lab.ts";
import { spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread } from "../output/figures.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import { benchSchema } from "../schema.ts";
import { payloadOf } from "../work.ts";

const MESSAGES = 50_000;
const AT_ONCE = 256;
const STREAM = "BENCH";
const SUBJECT = "bench.durable";

async function run({ rounds, messages = MESSAGES }: Options): Promise<Report> {
  const lab = await Lab.open(undefined);
  try {
    const rates: number[] = [];
    for (let round = 0; round <= rounds; round++) rates.push(await rawRound(lab.server.url, messages, `c${round}`));
    const counted = rates.slice(1); // The first one warms up.
    return {
      tables: [
        {
          title: `durable: ack for each, ${AT_ONCE} at once (${rounds} rounds of ${messages} messages)`,
          head: ["", "messages/s"],
          rows: [
            ["raw `consume` with a callback", showSpread(spreadOf(counted), perSecond)],
            ["nats-handlers", "not yet"],
          ],
          notes: [],
        },
      ],
      data: { raw: counted },
      failures: [],
    };
  } finally {
    await lab.close();
  }
}

async function rawRound(natsUrl: string, messages: number, consumer: string): Promise<number> {
  const nats = await connect({ servers: natsUrl, noAsyncTraces: true });
  const manager = await jetstreamManager(nats);
  const stream = await manager.streams.add({ name: STREAM, subjects: [SUBJECT], storage: "memory" });
  for (let sent = stream.state.messages; sent < messages; sent++) nats.publish(SUBJECT, payloadOf(120, sent));
  await nats.flush();
  await manager.consumers.add(STREAM, { durable_name: consumer, ack_policy: "explicit", max_ack_pending: AT_ONCE * 4 });
  const all = Promise.withResolvers<void>();
  const source = await jetstream(nats).consumers.get(STREAM, consumer);
  let handled = 0;
  const startedMs = performance.now();
  const consuming = await source.consume({
    max_messages: AT_ONCE,
    callback: (message) => {
      if (benchSchema.safeParse(message.json()).success) message.ack();
      if (++handled === messages) all.resolve();
    },
  });
  await all.promise;
  await nats.flush();
  const rate = messages / ((performance.now() - startedMs) / 1_000);
  await consuming.close();
  await nats.close();
  return rate;
}

export const durable: Scenario = { name: "durable", summary: "ack for each (raw side only so far)", run };
