// The bindings keep the same promises: requests, events and stored messages of a real nats-server, and the one in memory.

import { createInbox } from "@nats-io/transport-node";
import { describe } from "vitest";
import type { ResolvedMetadata } from "../../runtime/metadata/handler-metadata.ts";
import { bindingContract, type ContractReplica, type ContractStage } from "../support/binding-contract.ts";
import { contractInMemory } from "../support/contract-in-memory.ts";
import { durable, type StreamStage, useStreamStage } from "../support/stream-stage.ts";

/** Everyone may do everything, but subscribe below `denied.`. */
const CONFIG = `
accounts { A { jetstream: enabled, users: [
  { user: a, password: a, permissions: { publish: ">", subscribe: { allow: ">", deny: "denied.>" } } }
] } }
no_auth_user: a
`;

/** Never due in a test. */
const YEARLY: Partial<ResolvedMetadata> = {
  schedule: { times: { kind: "cron", pattern: "0 0 29 2 *", timeZone: "UTC" }, missed: "skip", payload: "" },
};

const DEAD_LETTER = { do: "dead-letter", reason: "threw", text: "it broke" } as const;

describe.each([
  ["of requests", () => requests(useStreamStage(CONFIG))],
  ["of events", () => events(useStreamStage(CONFIG))],
  ["of stored messages", () => stored(useStreamStage(CONFIG))],
  ["of events, beside a schedule", () => events(useStreamStage(CONFIG), YEARLY)],
  ["of stored messages, beside a schedule", () => stored(useStreamStage(CONFIG), YEARLY)],
  ["in memory", () => contractInMemory],
] as const)("a binding %s", (_, stage) => bindingContract(stage()));

function requests(stage: StreamStage): () => ContractStage {
  return () => {
    const { client } = stage;
    const inbox = createInbox();
    let sent = 0;
    let answered = 0;
    client.subscribe(inbox, { callback: () => void answered++ });
    return {
      ...onServer(stage, (subject) => durable(subject, { kind: "request" })),
      async publish(subject, ...texts) {
        sent += texts.length;
        for (const text of texts) client.publish(subject, text, { reply: inbox });
        await client.flush();
      },
      good: { do: "reply", body: Buffer.from("yes") },
      bad: { do: "reply-error", code: 500, text: "it broke", body: "" },
      async open() {
        await client.flush();
        return sent - answered;
      },
      refused: { subject: "denied.a", code: "NATS_REFUSED" },
    };
  };
}

function events(stage: StreamStage, more: Partial<ResolvedMetadata> = {}): () => ContractStage {
  return () => ({
    ...onServer(stage, (subject) => durable(subject, { kind: "event", ...more })),
    async publish(subject, ...texts) {
      for (const text of texts) stage.client.publish(subject, text);
      await stage.client.flush();
    },
    good: { do: "done" },
    bad: DEAD_LETTER,
    open: async () => undefined,
    refused: { subject: "denied.a", code: "NATS_REFUSED" },
  });
}

function stored(stage: StreamStage, more: Partial<ResolvedMetadata> = {}): () => ContractStage {
  return () => {
    const stream = stage.jsm.streams.add({ name: "T", subjects: ["t.>"] });
    return {
      ...onServer(stage, (subject) => durable(subject, { concurrency: 1_000, ...more }), stream),
      publish: (subject, ...texts) => stage.store(subject, ...texts),
      good: { do: "ack" },
      bad: DEAD_LETTER,
      async open() {
        let open = 0;
        for await (const { num_ack_pending } of stage.jsm.consumers.list("T")) open += num_ack_pending;
        return open;
      },
      refused: { subject: "nowhere.a", code: "STREAM_MISSING" },
    };
  };
}

function onServer(
  stage: StreamStage,
  metadata: (subject: string) => ResolvedMetadata,
  ready: Promise<unknown> = Promise.resolve(),
): Pick<ContractStage, "metadata" | "replica"> {
  return {
    metadata,
    async replica(): Promise<ContractReplica> {
      await ready;
      const { binder, connection } = await stage.replica();
      // The client tells nobody else how many it has.
      const { subscriptions } = (connection as unknown as { protocol: { subscriptions: { size(): number } } }).protocol;
      return {
        plan: (handler, about) => binder.plan(handler, about),
        get standing() {
          return subscriptions.size();
        },
      };
    },
  };
}
