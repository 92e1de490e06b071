// A consumer as people write it by hand, with the official client: pull, work, ack, and nak what failed.

import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { work } from "../work.mjs";

const { NATS_URL, NATS_USER: user, NATS_PASSWORD: pass, DEPLOYMENT } = process.env;
const { ledger, handlers } = JSON.parse(DEPLOYMENT);
const [{ name, by, subject, version, attempts, forward }] = handlers;

const nc = await connect({ servers: NATS_URL, maxReconnectAttempts: -1, ...(user && { user, pass }) });
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);
await jsm.consumers.add("ROW", {
  durable_name: name,
  filter_subject: subject,
  ack_policy: AckPolicy.Explicit,
  max_deliver: attempts,
});
const consumer = await js.consumers.get("ROW", name);
const messages = await consumer.consume();

process.on("SIGTERM", async () => {
  await messages.close();
  await nc.drain();
  process.exit(0);
});

const publish = (id) => js.publish(forward, JSON.stringify({ id }));

console.log("ready");
for await (const message of messages) {
  const { deliveryCount } = message.info;
  try {
    await work(message.json(), {
      ledger,
      by,
      version,
      attempt: deliveryCount,
      attempts,
      ...(forward && { forward: publish }),
    });
    message.ack();
  } catch {
    message.nak();
  }
}
