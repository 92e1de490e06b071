// The message of a test for a handler of changes: as a client of the store would have written it.

import type { HeadersInput } from "../../sdk/context.ts";
import type { RunHandlerOptions } from "../../sdk/testing.ts";
import { OPERATION_HEADER } from "../message/change.ts";
import { claimOn } from "../metadata/claims.ts";
import type { Store } from "../metadata/handler-metadata.ts";
import { keyOfChange, storeText, subjectOfChange } from "../metadata/store.ts";
import { hasWildcards } from "../metadata/subject.ts";

type ChangeOptions = Pick<RunHandlerOptions, "subject" | "key" | "operation" | "headers">;

interface ChangeMessage {
  readonly subject: string;
  readonly change: unknown;
  readonly headers: HeadersInput | undefined;
}

const NOTHING = new Uint8Array(0);
const KV_WORDS = { put: undefined, delete: "DEL", purge: "PURGE" } as const;

/** Throws a TypeError for what no client could have written, and for a change that the handler does not get. */
export function changeMessage(
  store: Store,
  claims: readonly string[],
  payload: unknown,
  { subject, key = onlyKey(store, claims), operation = "put", headers }: ChangeOptions,
): ChangeMessage {
  if (subject !== undefined)
    throw new TypeError(`the handler takes changes of ${storeText(store)}: say in the option \`key\` of what`);
  if (key === undefined)
    throw new TypeError(`the handler takes several keys of ${storeText(store)}: say in the option \`key\` which it is`);
  const changed = subjectOfChange(store, key);
  if (claimOn(claims, changed) === undefined)
    throw new TypeError(
      `a change of ${JSON.stringify(key)} does not reach the handler, which takes ${claims.join(", ")}`,
    );
  if (operation !== "put" && payload !== undefined)
    throw new TypeError(`what is gone has no value: the payload of a ${operation} must be undefined`);
  if (store.kind === "objects")
    return { subject: changed, headers, change: aboutObject(store, key, operation, payload) };
  const word = KV_WORDS[operation];
  return word === undefined
    ? { subject: changed, headers, change: payload }
    : { subject: changed, headers: { ...headers, [OPERATION_HEADER]: word }, change: NOTHING };
}

/** Undefined: there are others. */
function onlyKey(store: Store, [claim, ...more]: readonly string[]): string | undefined {
  return claim === undefined || more.length > 0 || hasWildcards(claim) ? undefined : keyOfChange(store, claim);
}

function aboutObject({ bucket }: Store, name: string, operation: string, payload: unknown): unknown {
  if (operation === "purge") throw new TypeError('an object is put or deleted: `operation` must be "put" or "delete"');
  if (payload instanceof Uint8Array) return payload;
  const about = { name, bucket, nuid: "test", size: 0, chunks: 0, ...(payload as object | undefined) };
  return operation === "delete" ? { ...about, deleted: true } : about;
}
