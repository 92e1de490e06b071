import { type ConsumerConfig, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { ensureDurable } from "../../../runtime/streams/durable-consumer.ts";

const CONNECTION = { info: { jetstream: true } } as unknown as NatsConnection;
const spec = { app: "app", handler: "save", stream: "TODO", durable: "app-save-0a1b2c3d", filter: "todo.new" };

function apiError(code: number): JetStreamApiError {
  return new JetStreamApiError({ code: 400, err_code: code, description: `error ${code}` });
}

function asInfo(config: Partial<ConsumerConfig>) {
  return { config, created: "now", num_pending: 0, num_ack_pending: 0 };
}

/** One consumer at most. `quicker`: what another replica makes between our lookup and our own try. */
function server(quicker?: Partial<ConsumerConfig>) {
  let stored: Partial<ConsumerConfig> | undefined;
  const updates: Partial<ConsumerConfig>[] = [];
  const consumers = {
    async info() {
      if (stored === undefined) throw apiError(10014);
      return asInfo(stored);
    },
    async add(_stream: string, config: Partial<ConsumerConfig>) {
      if (quicker !== undefined) {
        stored = quicker;
        throw apiError(10148);
      }
      stored = config;
      return asInfo(config);
    },
    async update(_stream: string, _durable: string, config: Partial<ConsumerConfig>) {
      updates.push(config);
      stored = { ...stored, ...config };
      return asInfo(stored);
    },
  };
  return { jsm: { consumers } as unknown as JetStreamManager, updates };
}

it("a durable that another replica has just made is used, and set to what this version needs", async () => {
  const made = server({ filter_subject: "todo.new", ack_policy: "explicit", max_ack_pending: 5 });
  expect(await ensureDurable(CONNECTION, made.jsm, spec)).toMatchObject({ how: "found" });
  expect(made.updates).toHaveLength(1);
});

it("the subject of a durable is never changed: one that takes another is refused", async () => {
  const made = server({ filter_subject: "todo.old", ack_policy: "explicit" });
  const refused = await ensureDurable(CONNECTION, made.jsm, spec).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "CONSUMER_REFUSED", handler: "save" });
  expect(String(refused)).toMatch(/takes "todo\.old", and is to take "todo\.new"/);
  expect(made.updates).toEqual([]);
});
