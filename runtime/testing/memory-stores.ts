// Buckets in memory, in the place of JetStream's: what a test gives is there, and what a run writes can be looked at.

import { createHash } from "node:crypto";
import type { RunHandlerOptions } from "../../sdk/testing.ts";
import {
  type ObjectFacts,
  type StoreAnswer,
  type StoreCall,
  type StoreKind,
  storeCallText,
} from "../message/store-call.ts";
import type { Uses } from "../metadata/handler-metadata.ts";
import { matches } from "../metadata/subject.ts";
import { encodeRaw } from "../worker/encode-payload.ts";

interface Kept {
  readonly value: Uint8Array;
  readonly revision: number;
}

type Given = Pick<RunHandlerOptions, "kv" | "objects">;
type Contents = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Any day will do. */
const WRITTEN_AT_MS = Date.UTC(2026, 0, 1);

export class MemoryStores {
  private readonly buckets = new Map<string, Map<string, Kept>>();
  /** Of each bucket the number of its last change, deletions included. */
  private readonly changes = new Map<string, number>();

  /** Those that the handler uses are there, empty where nothing is given. */
  constructor(given: Given, uses: Uses) {
    for (const store of ["kv", "objects"] as const) {
      for (const bucket of new Set([...uses[store], ...Object.keys(given[store] ?? {})])) {
        this.buckets.set(nameOf(store, bucket), new Map());
        for (const [key, value] of Object.entries(given[store]?.[bucket] ?? {}))
          this.write(nameOf(store, bucket), key, encodeRaw(value, `${store} "${bucket}" of the test`));
      }
    }
  }

  async call(call: StoreCall): Promise<StoreAnswer> {
    const { store, bucket, operation, key, value, revision } = call;
    const name = nameOf(store, bucket);
    const contents = this.buckets.get(name) ?? new Map<string, Kept>();
    const kept = contents.get(key);
    if (operation === "create" && kept !== undefined) return conflict(call, "there is one already");
    if (revision !== undefined && kept?.revision !== revision)
      return conflict(call, `it is not at revision ${revision}, but at ${kept?.revision ?? "none"}`);
    const facts = (entry: Kept) => ({ object: factsOf(key, entry) });
    switch (operation) {
      case "get":
        if (kept === undefined) return { ok: true, result: {} };
        return { ok: true, result: resultOf(store, key, kept), value: kept.value };
      case "info":
        return { ok: true, result: kept === undefined ? {} : facts(kept) };
      case "put":
      case "create":
      case "update":
        return { ok: true, result: resultOf(store, key, this.write(name, key, Buffer.from(value))) };
      case "delete":
      case "purge":
        contents.delete(key);
        this.changed(name);
        return { ok: true, result: kept === undefined || store === "kv" ? {} : facts(kept) };
      case "keys":
        return { ok: true, result: { keys: [...contents.keys()].filter((one) => matches(key, one)) } };
      case "list":
        return { ok: true, result: { objects: [...contents].map(([one, entry]) => factsOf(one, entry)) } };
    }
  }

  /** By bucket and key; what is JSON as its value, else text, else bytes. */
  contentsOf(store: StoreKind): Contents {
    const own = [...this.buckets].filter(([name]) => name.startsWith(`${store} `));
    return Object.fromEntries(
      own.map(([name, contents]) => [
        name.slice(store.length + 1),
        Object.fromEntries([...contents].map(([key, { value }]) => [key, readable(value)])),
      ]),
    );
  }

  private write(name: string, key: string, value: Uint8Array): Kept {
    const kept = { value, revision: this.changed(name) };
    this.buckets.get(name)?.set(key, kept);
    return kept;
  }

  private changed(name: string): number {
    const revision = (this.changes.get(name) ?? 0) + 1;
    this.changes.set(name, revision);
    return revision;
  }
}

function nameOf(store: StoreKind, bucket: string): string {
  return `${store} ${bucket}`;
}

function resultOf(store: StoreKind, key: string, kept: Kept) {
  return store === "kv" ? { revision: kept.revision, atMs: WRITTEN_AT_MS } : { object: factsOf(key, kept) };
}

function factsOf(name: string, { value }: Kept): ObjectFacts {
  const digest = `SHA-256=${createHash("sha256").update(value).digest("base64url")}`;
  return { name, size: value.length, digest, atMs: WRITTEN_AT_MS };
}

function conflict(call: StoreCall, why: string): StoreAnswer {
  return { ok: false, code: 409, message: `${storeCallText(call)}: ${why}` };
}

function readable(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString("utf8");
  if (!Buffer.from(text, "utf8").equals(bytes)) return new Uint8Array(bytes);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
