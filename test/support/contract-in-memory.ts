// The stage of binding-contract.ts for the bindings in memory.

import { RuntimeError } from "../../runtime/errors.ts";
import type { ContractStage } from "./binding-contract.ts";
import { FakeBinder } from "./fake-binder.ts";
import { durable } from "./stream-stage.ts";

const NOWHERE = "nowhere.a";

export function contractInMemory(): ContractStage {
  const binder = new FakeBinder();
  binder.refuse = async (handler, { subjects }) => {
    if (subjects.includes(NOWHERE)) throw new RuntimeError("STREAM_MISSING", "no stream takes it", { handler });
  };
  return {
    metadata: (subject) => durable(subject),
    replica: async () => ({
      plan: (handler, metadata) => binder.plan(handler, metadata),
      get standing() {
        return binder.bound.length;
      },
    }),
    publish: async (subject, ...texts) => {
      for (const text of texts) binder.publish(subject, Buffer.from(text));
    },
    good: { do: "ack" },
    bad: { do: "drop", text: "no" },
    open: async (wanted) =>
      binder.bindings.filter(({ handler }) => handler === wanted).reduce((sum, { inHand }) => sum + inHand, 0),
    refused: { subject: NOWHERE, code: "STREAM_MISSING" },
  };
}
