// What `ctx.once` keeps, in memory: what a test says an earlier run has kept, and what this one keeps.

import { type OnceRecord, onceBucket, onceEntry, onceKey, onceText } from "../message/once-record.ts";
import type { StoreAnswer, StoreCall } from "../message/store-call.ts";
import { jsonOf } from "../worker/encode-payload.ts";

/** A test is of no app: it stands in keys, and in what `effect` keeps, alone. */
export const APP = "test";

const NOTHING: StoreAnswer = { ok: true, result: {} };

export type KeptByName = Readonly<Record<string, unknown>>;

export class MemoryOnce {
  private readonly given: KeptByName;
  private readonly kept: Map<string, string>;

  /** @param given kept of each message, by the name of the part. @param entries keys of the bucket, and their texts */
  constructor(given: KeptByName = {}, entries: Iterable<readonly [string, string]> = []) {
    this.given = given;
    this.kept = new Map(entries);
  }

  takes({ store, bucket }: StoreCall): boolean {
    return store === "kv" && bucket === onceBucket(APP);
  }

  async call(call: StoreCall): Promise<StoreAnswer> {
    const { operation, key, value } = call;
    const text = this.kept.get(key) ?? (await this.givenAs(call));
    if (operation === "get")
      return text === undefined ? NOTHING : { ok: true, result: { revision: 1, atMs: 0 }, value: Buffer.from(text) };
    if (text !== undefined) return { ok: false, code: 409, message: "there is one already" };
    this.kept.set(key, Buffer.from(value).toString("utf8"));
    return { ok: true, result: { revision: 1 } };
  }

  /** By the name of the part. */
  get contents(): KeptByName {
    const records = [...this.kept.values()].map((text) => JSON.parse(text) as OnceRecord);
    return { ...this.given, ...Object.fromEntries(records.map(({ name, value }) => [name, value])) };
  }

  private async givenAs({ handler, id, key }: StoreCall): Promise<string | undefined> {
    for (const [name, value] of Object.entries(this.given)) {
      if (onceEntry(handler, await onceKey({ app: APP, handler, id, name })) !== key) continue;
      return onceText({ id, name }, value === undefined ? undefined : jsonOf(value, `once "${name}" of the test`));
    }
    return undefined;
  }
}
