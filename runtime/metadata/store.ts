// A bucket of NATS's own stores: what its stream and its subjects are called. Pure.

import type { Store } from "./handler-metadata.ts";

const NAMES = { kv: { stream: "KV_", subject: "$KV." }, objects: { stream: "OBJ_", subject: "$O." } } as const;
const KINDS = ["kv", "objects"] as const;
/** Of what a bucket of objects tells of each; their contents are beside it. */
const ABOUT_OBJECTS = "M.";

export function streamOfStore({ kind, bucket }: Store): string {
  return `${NAMES[kind].stream}${bucket}`;
}

/** The subjects of all keys that fit the pattern; of objects all. */
export function storeSubject({ kind, bucket }: Store, pattern = ">"): string {
  return `${NAMES[kind].subject}${bucket}.${kind === "kv" ? "" : ABOUT_OBJECTS}${pattern}`;
}

/** Undefined: the subject is of no store. */
export function storeOfSubject(subject: string): Store | undefined {
  for (const kind of KINDS) {
    const start = NAMES[kind].subject;
    const [bucket = ""] = subject.startsWith(start) ? subject.slice(start.length).split(".", 1) : [];
    if (bucket !== "") return { kind, bucket };
  }
  return undefined;
}

/** What has changed: a key, or the name of an object. `subject`: of a message of the store. */
export function keyOfChange(store: Store, subject: string): string {
  const key = subject.slice(storeSubject(store, "").length);
  return store.kind === "kv" ? key : Buffer.from(key, "base64url").toString();
}

/** The subject under which the store tells of a key, or of the object of that name. */
export function subjectOfChange(store: Store, key: string): string {
  return storeSubject(store, store.kind === "kv" ? key : Buffer.from(key).toString("base64url"));
}

/** For people: `KV bucket "users"`. */
export function storeText({ kind, bucket }: Store): string {
  return `${kind === "kv" ? "KV" : "object"} bucket "${bucket}"`;
}
