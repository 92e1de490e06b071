// What all peers share: a connection of their own for telling progress, and the count of what they refused.

import { connect } from "@nats-io/transport-node";
import { benchSchema } from "../schema.ts";
import { progressSubject } from "../work.ts";

export async function openTally(natsUrl, works) {
  const nats = await connect({ servers: natsUrl, noAsyncTraces: true });
  const { name, step } = works.find(({ does }) => does === "count");
  let handled = 0;
  let invalid = 0;
  return {
    /** The payload when the schema takes it. Throws otherwise. */
    validate(payload) {
      const result = benchSchema.safeParse(payload);
      if (result.success) return result.data;
      invalid++;
      throw new Error("invalid payload");
    },
    count() {
      if (++handled % step === 0) nats.publish(progressSubject(name));
    },
    failures: () => (invalid === 0 ? [] : [`${name}: ${invalid} invalid payloads`]),
    close: () => nats.close(),
  };
}
