// What a handler asks of a bucket while it handles a message, and the answer it gets.

export type StoreKind = "kv" | "objects";

export type KvOperation = "get" | "put" | "create" | "update" | "delete" | "purge" | "keys";
export type ObjectOperation = "get" | "put" | "info" | "delete" | "list";

/** Crosses as JSON, beside the bytes of a value. */
export type StoreAsk = {
  readonly bucket: string;
  /** Of `keys` a filter, of `list` nothing. */
  readonly key: string;
  /** The one it must be at: of `update`, and of a `delete` or `purge` that says one. */
  readonly revision?: number | undefined;
  /** Of the message that is handled. */
  readonly id: string;
} & (
  | { readonly store: "kv"; readonly operation: KvOperation }
  | { readonly store: "objects"; readonly operation: ObjectOperation }
);

export type StoreCall = StoreAsk & {
  /** Who asks. */
  readonly handler: string;
  readonly value: Uint8Array;
  readonly timeoutMs: number;
};

export interface ObjectFacts {
  readonly name: string;
  readonly size: number;
  readonly digest: string;
  readonly atMs: number;
}

/** Crosses as JSON, beside the bytes of a value. Of what is not there: nothing. */
export interface StoreResult {
  readonly revision?: number;
  readonly atMs?: number;
  readonly keys?: readonly string[];
  readonly object?: ObjectFacts;
  readonly objects?: readonly ObjectFacts[];
  /** Of a schedule that is taken away: whether there was one. */
  readonly wasThere?: boolean;
}

/** `code` is an HTTP-like number, as that of a publish. */
export type StoreAnswer =
  | { readonly ok: true; readonly result: StoreResult; readonly value?: Uint8Array }
  | { readonly ok: false; readonly code: number; readonly message: string };

/** Carries it out. Never rejects. */
export type CarryStoreCall = (call: StoreCall) => Promise<StoreAnswer>;

const READS: readonly string[] = ["get", "info", "keys", "list"];

export function isRead({ operation }: Pick<StoreAsk, "operation">): boolean {
  return READS.includes(operation);
}

/** As the start of a sentence: `kv put "alice" in bucket "users"`. */
export function storeCallText({ store, operation, bucket, key }: Omit<StoreAsk, "id">): string {
  const what = `${store === "kv" ? "kv" : "object"} ${operation}`;
  return key === "" ? `${what} in bucket "${bucket}"` : `${what} ${JSON.stringify(key)} in bucket "${bucket}"`;
}
