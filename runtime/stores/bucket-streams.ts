// What JetStream calls the buckets: the stream that keeps one, and the subjects under which it is written.

import type { StoreKind } from "../message/store-call.ts";
import type { Uses } from "../metadata/handler-metadata.ts";

export interface Bucket {
  readonly store: StoreKind;
  readonly bucket: string;
}

export function streamOf({ store, bucket }: Bucket): string {
  return `${store === "kv" ? "KV" : "OBJ"}_${bucket}`;
}

export function subjectsOf({ store, bucket }: Bucket): string {
  return `${store === "kv" ? "$KV" : "$O"}.${bucket}.>`;
}

/** Of several handlers, each once. */
export function bucketsOf(uses: readonly Uses[]): Bucket[] {
  const named = (store: StoreKind) => [...new Set(uses.flatMap((used) => used[store]))];
  return (["kv", "objects"] as const).flatMap((store) => named(store).map((bucket) => ({ store, bucket })));
}
