// What handlers ask of a bucket of the key-value store. Rejects as the client does.

import type { JetStreamClient } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { StoreAnswer, StoreCall } from "../message/store-call.ts";
import { withinLimits } from "../streams/within-limits.ts";

const MOST_KEYS = 100_000;

export async function askKv(js: JetStreamClient, call: Extract<StoreCall, { store: "kv" }>): Promise<StoreAnswer> {
  const kv = await new Kvm(js).open(call.bucket);
  const { key, value, revision } = call;
  switch (call.operation) {
    case "get":
      return got(await kv.get(key));
    case "put":
      return { ok: true, result: { revision: await kv.put(key, value) } };
    case "create":
      return { ok: true, result: { revision: await kv.create(key, value) } };
    case "update":
      return { ok: true, result: { revision: await kv.update(key, value, revision ?? 0) } };
    case "delete":
    case "purge":
      await kv[call.operation](key, revision === undefined ? {} : { previousSeq: revision });
      return { ok: true, result: {} };
    case "keys":
      return keysOf(kv, call);
  }
}

/** As such buckets are made where nobody has said otherwise. */
export async function makeKvBucket(js: JetStreamClient, bucket: string, copies: number): Promise<void> {
  const manager = new Kvm(js);
  await withinLimits({ num_replicas: copies }, ({ num_replicas = 1 }) =>
    manager.create(bucket, { replicas: num_replicas }),
  );
}

function got(entry: Awaited<ReturnType<KV["get"]>>): StoreAnswer {
  if (entry?.operation !== "PUT") return { ok: true, result: {} };
  const { revision, created, value } = entry;
  return { ok: true, result: { revision, atMs: created.getTime() }, value };
}

async function keysOf(kv: KV, { bucket, key }: Pick<StoreCall, "bucket" | "key">): Promise<StoreAnswer> {
  const keys: string[] = [];
  for await (const found of await kv.keys(key)) {
    if (keys.push(found) <= MOST_KEYS) continue;
    const message = `bucket "${bucket}" has more than ${MOST_KEYS} keys for ${JSON.stringify(key)}: say a narrower filter`;
    return { ok: false, code: 413, message };
  }
  return { ok: true, result: { keys } };
}
