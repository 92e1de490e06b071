// A message of a bucket as the change that it is: what became of a key, or of an object. Pure.

import type { Store } from "../metadata/handler-metadata.ts";
import { keyOfChange } from "../metadata/store.ts";

export type ChangeOperation = "put" | "delete" | "purge";

/** As clients say that a key is gone. */
export const OPERATION_HEADER = "KV-Operation";
/** As the server says it of one whose time was up, or whose last message an operator has removed (from 2.11). */
const MARKER_HEADER = "Nats-Marker-Reason";

interface Headers {
  get(name: string): string | undefined;
}

export interface Change {
  /** Of what: a key, or the name of an object. */
  readonly key: string;
  readonly operation: ChangeOperation;
}

/** `content` is read of objects only. */
export function changeIn(store: Store, subject: string, headers: Headers, content: () => Uint8Array): Change {
  const key = keyOfChange(store, subject);
  return store.kind === "kv" ? { key, operation: operationOfKey(headers) } : objectIn(content(), key);
}

function operationOfKey(headers: Headers): ChangeOperation {
  const said = headers.get(OPERATION_HEADER) ?? operationOfMarker(headers.get(MARKER_HEADER));
  if (said === "DEL") return "delete";
  return said === "PURGE" ? "purge" : "put";
}

function operationOfMarker(reason: string | undefined): string | undefined {
  if (reason === undefined || reason === "") return undefined;
  return reason === "Remove" ? "DEL" : "PURGE";
}

/**
 * Its name as it stands in the text: in subjects clients encode what is beyond ASCII in several ways. What is no JSON is
 * refused when it is decoded.
 */
function objectIn(content: Uint8Array, encoded: string): Change {
  try {
    const about = JSON.parse(Buffer.from(content).toString()) as { name?: unknown; deleted?: unknown } | null;
    const key = typeof about?.name === "string" ? about.name : encoded;
    return { key, operation: about?.deleted === true ? "delete" : "put" };
  } catch {
    return { key: encoded, operation: "put" };
  }
}

/** What a copy in another stream says in the place of the server's own mark, which would act there. */
export function copiedMark(name: string, value: string): readonly [string, string] | undefined {
  const said = name.toLowerCase() === MARKER_HEADER.toLowerCase() ? operationOfMarker(value) : undefined;
  return said === undefined ? undefined : [OPERATION_HEADER, said];
}
