// Moleculer with its NATS transporter: a service with an event and an action, which validate what they are given.

import { ServiceBroker } from "moleculer";
import { startProfile, stopProfile } from "../measure/profile.ts";
import { serve } from "../rpc.ts";
import { REPLY } from "../work.ts";
import { openTally } from "./contender.mjs";

let tally;
let broker;

serve({
  async start({ natsUrl, works }) {
    tally = await openTally(natsUrl, works);
    broker = new ServiceBroker({
      nodeID: "bench",
      transporter: { type: "NATS", options: { servers: [natsUrl], noAsyncTraces: true } },
      logLevel: "fatal",
    });
    broker.createService({
      name: "bench",
      events: {
        "bench.event"(ctx) {
          tally.validate(ctx.params);
          tally.count();
        },
      },
      actions: {
        ask(ctx) {
          tally.validate(ctx.params);
          return REPLY;
        },
      },
    });
    await broker.start();
  },
  failures: () => tally.failures(),
  startProfile,
  stopProfile,
  async close() {
    await broker.stop();
    await tally.close();
  },
});
