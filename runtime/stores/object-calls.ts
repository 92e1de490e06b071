// What handlers ask of a bucket of the object store. Rejects as the client does; `over` aborts when nobody waits any more.

import type { JetStreamClient } from "@nats-io/jetstream";
import { type ObjectInfo, type ObjectStore, Objm } from "@nats-io/obj";
import type { ObjectFacts, StoreAnswer, StoreCall } from "../message/store-call.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { withinLimits } from "../streams/within-limits.ts";

/** What a worker can be given, and a handler hold. */
const MOST_BYTES = 64 * 1024 ** 2;
const MOST_OBJECTS = 10_000;

type ObjectCall = Extract<StoreCall, { store: "objects" }>;

export async function askObjects(js: JetStreamClient, call: ObjectCall, over: AbortSignal): Promise<StoreAnswer> {
  const store = await new Objm(js).open(call.bucket, false);
  switch (call.operation) {
    case "get":
      return get(store, call, over);
    case "put":
      return put(store, call);
    case "info":
      return { ok: true, result: foundIn(await infoOf(store, call.key)) };
    case "delete": {
      const info = await infoOf(store, call.key);
      if (info !== undefined) await store.delete(call.key);
      return { ok: true, result: foundIn(info) };
    }
    case "list":
      return list(store, call);
  }
}

/** As such buckets are made where nobody has said otherwise. */
export async function makeObjectBucket(
  js: JetStreamClient,
  bucket: string,
  { copies, ttlMs = 0 }: { readonly copies: number; readonly ttlMs?: number },
): Promise<void> {
  const manager = new Objm(js);
  await withinLimits({ num_replicas: copies }, ({ num_replicas = 1 }) =>
    manager.create(bucket, { replicas: num_replicas, ttl: ttlMs * 1_000_000 }),
  );
}

async function get(store: ObjectStore, { key, bucket }: ObjectCall, over: AbortSignal): Promise<StoreAnswer> {
  const info = await infoOf(store, key);
  if (info === undefined) return { ok: true, result: {} };
  if (info.size > MOST_BYTES) return tooLarge(bucket, key, info.size);
  const found = await store.get(key);
  if (found === null) return { ok: true, result: {} };
  const value = await bytesOf(found.data, over);
  const failure = await found.error;
  if (failure !== null && failure !== undefined) throw failure;
  return { ok: true, result: { object: factsOf(found.info) }, value };
}

async function put(store: ObjectStore, { key, value, timeoutMs }: ObjectCall): Promise<StoreAnswer> {
  const content = new Blob([new Uint8Array(value)]).stream();
  const info = await store.put({ name: key }, content, { timeout: timeoutMs });
  return { ok: true, result: { object: factsOf(info) } };
}

async function list(store: ObjectStore, { bucket }: ObjectCall): Promise<StoreAnswer> {
  const all = await store.list();
  if (all.length <= MOST_OBJECTS) return { ok: true, result: { objects: all.map(factsOf) } };
  return { ok: false, code: 413, message: `bucket "${bucket}" has ${all.length} objects, more than ${MOST_OBJECTS}` };
}

/** Undefined where there is none, or none any more. */
async function infoOf(store: ObjectStore, name: string): Promise<ObjectInfo | undefined> {
  const info = await store.info(name).catch((error: unknown) => {
    if (isApiError(error, ApiCode.messageNotFound)) return null;
    throw error;
  });
  return info === null || info.deleted ? undefined : info;
}

/** Where parts of it are gone, they would be waited for without an end. */
async function bytesOf(stream: ReadableStream<Uint8Array>, over: AbortSignal): Promise<Uint8Array> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel();
  over.addEventListener("abort", cancel, { once: true });
  const parts: Uint8Array[] = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
  over.removeEventListener("abort", cancel);
  return Buffer.concat(parts);
}

function foundIn(info: ObjectInfo | undefined): { readonly object?: ObjectFacts } {
  return info === undefined ? {} : { object: factsOf(info) };
}

function factsOf({ name, size, digest, mtime }: ObjectInfo): ObjectFacts {
  return { name, size, digest, atMs: Date.parse(mtime) };
}

function tooLarge(bucket: string, name: string, size: number): StoreAnswer {
  const message = `object ${JSON.stringify(name)} in bucket "${bucket}" has ${size} bytes: at most ${MOST_BYTES} go by way of the runtime, and a connection of your own takes more`;
  return { ok: false, code: 413, message };
}
