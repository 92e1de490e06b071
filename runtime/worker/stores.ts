// `ctx.kv` and `ctx.objects`: what a handler asks of buckets, sent to the runtime and read from its answers.

import type {
  BucketOptions,
  KvBucket,
  KvEntry,
  ObjectBucket,
  ObjectSummary,
  StoredContent,
  StoredObject,
} from "../../sdk/stores.ts";
import { type ObjectFacts, type StoreAsk, type StoreKind, storeCallText } from "../message/store-call.ts";
import { didYouMean } from "../metadata/nearest.ts";
import { MOST_REQUEST_BYTES } from "../wire/call-frame.ts";
import type { StartRequest } from "../wire/protocol.ts";
import { preview } from "../wire/serialize-error.ts";
import { MOST_VALUE_BYTES, readStoreAnswer } from "../wire/store-frame.ts";
import { type Asking as AskingDeps, askInTurn, FEW_BYTES } from "./ask-in-turn.ts";
import { checkOptions, readTimeout } from "./call-options.ts";
import { encodeRaw, TooLargeError } from "./encode-payload.ts";

export interface StoresDeps extends AskingDeps {
  readonly start: Pick<StartRequest, "uses" | "timeoutMs">;
}

type Question = StoreAsk extends infer Ask ? (Ask extends StoreAsk ? Omit<Ask, "id" | "bucket"> : never) : never;
type Answer = ReturnType<typeof readStoreAnswer>;
type Asking = (question: Question, value?: unknown) => Promise<Answer>;

/** A bucket of the runtime's own. Rejects as `KvBucket` does. */
export interface OwnKv {
  get(key: string): Promise<string | undefined>;
  create(key: string, text: string): Promise<void>;
}

const NOTHING = new Uint8Array(0);
/** Of an object nobody knows before how large it is: two of them come at a time. */
const OBJECT_BYTES = MOST_REQUEST_BYTES / 2;

/** @param id of the message that is handled */
export class MessageStores {
  private readonly deps: StoresDeps;
  private readonly id: string;

  constructor(deps: StoresDeps, id: string) {
    this.deps = deps;
    this.id = id;
  }

  /** Throws for a bucket that the metadata does not name. */
  kv(bucket: string, options?: BucketOptions): KvBucket {
    const ask = this.asking("kv", bucket, options);
    const put = async (question: Question, value: unknown) => (await ask(question, value)).result.revision!;
    return {
      async get(key) {
        const { result, value } = await ask({ store: "kv", operation: "get", key: text(key) });
        return result.revision === undefined ? undefined : entryOf(key, result.revision, result.atMs!, value);
      },
      put: (key, value) => put({ store: "kv", operation: "put", key: text(key) }, value),
      create: (key, value) => put({ store: "kv", operation: "create", key: text(key) }, value),
      update: async (key, value, revision) =>
        put({ store: "kv", operation: "update", key: text(key), revision: revisionOf(revision) }, value),
      async delete(key, { revision } = {}) {
        await ask({ store: "kv", operation: "delete", key: text(key), revision });
      },
      async purge(key, { revision } = {}) {
        await ask({ store: "kv", operation: "purge", key: text(key), revision });
      },
      keys: async (filter = ">") =>
        (await ask({ store: "kv", operation: "keys", key: text(filter) })).result.keys ?? [],
    };
  }

  /** Throws for a bucket that the metadata does not name. */
  objects(bucket: string, options?: BucketOptions): ObjectBucket {
    const ask = this.asking("objects", bucket, options);
    return {
      async get(name) {
        const { result, value } = await ask({ store: "objects", operation: "get", key: text(name) });
        return result.object === undefined ? undefined : objectOf(result.object, value);
      },
      put: async (name, content) =>
        summaryOf((await ask({ store: "objects", operation: "put", key: text(name) }, content)).result.object!),
      async info(name) {
        const { result } = await ask({ store: "objects", operation: "info", key: text(name) });
        return result.object && summaryOf(result.object);
      },
      delete: async (name) =>
        (await ask({ store: "objects", operation: "delete", key: text(name) })).result.object !== undefined,
      list: async () =>
        ((await ask({ store: "objects", operation: "list", key: "" })).result.objects ?? []).map(summaryOf),
    };
  }

  /** No metadata names it. */
  own(bucket: string): OwnKv {
    const ask = this.askingOf(bucket, this.deps.start.timeoutMs);
    return {
      async get(key) {
        const { result, value } = await ask({ store: "kv", operation: "get", key });
        return result.revision === undefined ? undefined : contentOf(value).text();
      },
      create: async (key, text) => void (await ask({ store: "kv", operation: "create", key }, text)),
    };
  }

  /** Of any bucket: NATS says what may be read. */
  async objectBytes(bucket: string, name: string): Promise<Buffer | undefined> {
    const ask: StoreAsk = { store: "objects", operation: "get", bucket, key: name, id: this.id };
    const { result, value } = readStoreAnswer(await this.send(ask, this.deps.start.timeoutMs, NOTHING));
    return result.object && Buffer.from(value.buffer, value.byteOffset, value.length);
  }

  private asking(store: StoreKind, bucket: string, options: BucketOptions = {}): Asking {
    const { start } = this.deps;
    const used = start.uses[store];
    if (!used.includes(bucket)) throw notDeclared(store, bucket, used);
    checkOptions(options, ["timeout"], store);
    return this.askingOf(bucket, options.timeout === undefined ? start.timeoutMs : readTimeout(options.timeout));
  }

  private askingOf(bucket: string, timeoutMs: number): Asking {
    return async (question, given) => {
      const ask = { ...question, bucket, id: this.id } as StoreAsk;
      const what = storeCallText(ask);
      const value = given === undefined ? NOTHING : encodeRaw(given, `the value of ${what}`);
      if (value.length > MOST_VALUE_BYTES)
        throw new TooLargeError(
          `${what}: ${value.length} bytes; at most ${MOST_VALUE_BYTES} go by way of the runtime, and a connection of your own takes more`,
        );
      // Bytes are the author's, who may change them before they have their turn.
      return readStoreAnswer(await this.send(ask, timeoutMs, given instanceof Uint8Array ? value.slice() : value));
    };
  }

  private send(ask: StoreAsk, timeoutMs: number, value: Uint8Array): Promise<Buffer> {
    const answerBytes = ask.store === "objects" && ask.operation === "get" ? OBJECT_BYTES : FEW_BYTES;
    return askInTurn(this.deps, { ask, what: storeCallText(ask), timeoutMs, value, answerBytes });
  }
}

function entryOf(key: string, revision: number, atMs: number, value: Uint8Array): KvEntry {
  return { key, revision, writtenAt: new Date(atMs), ...contentOf(value) };
}

function objectOf(facts: ObjectFacts, value: Uint8Array): StoredObject {
  return { ...summaryOf(facts), ...contentOf(value) };
}

function summaryOf({ name, size, digest, atMs }: ObjectFacts): ObjectSummary {
  return { name, size, digest, writtenAt: new Date(atMs) };
}

function contentOf(bytes: Uint8Array): StoredContent {
  const read = () => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  return { bytes: new Uint8Array(bytes), text: read, json: <Value>() => JSON.parse(read()) as Value };
}

function text(name: string): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(`the name of what is kept in a bucket must be a text, but is ${preview(name)}`);
}

function revisionOf(revision: number): number {
  if (Number.isInteger(revision) && revision > 0) return revision;
  throw new TypeError(`a revision is a whole number from 1, such as \`get\` gives; received ${preview(revision)}`);
}

function notDeclared(store: StoreKind, bucket: string, used: readonly string[]): Error {
  const all = JSON.stringify([...used, String(bucket)]);
  const hint = typeof bucket === "string" ? didYouMean(bucket, used) : "";
  const message = `ctx.${store}(${preview(bucket)}): the metadata does not say that this handler uses the bucket.${hint} Write uses: { ${store}: ${all} }`;
  return Object.assign(new Error(message), { code: "BUCKET_NOT_DECLARED" });
}
