// `kv` and `objects` in a handler's metadata: which bucket's changes it takes, and what that does not go with. Pure.

import type { ResolvedMetadata, Store } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";
import { jetStreamName, problem, type Read, type Reader } from "./options.ts";
import { storeSubject } from "./store.ts";
import { takenList } from "./taken-subjects.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Beside a bucket: it says the same, or is for messages that somebody publishes. */
const REFUSED: Readonly<Record<string, string>> = {
  stream: "the bucket says which stream it is; leave it out",
  schedule: "what a schedule publishes would be a change of the bucket; give the schedule a handler of its own",
};
const NO_PATTERN = "names of objects are encoded in their subjects; choose by `when: (_, { key }) => ...`";
const KEY = 'must be a key such as "profile.7", or a pattern such as "profile.*" or ">"';
const KEY_TOKEN = /^[-/_=a-zA-Z0-9]+$/;

/** Undefined: it takes messages. `raw`: as it was written. */
export function readStore(raw: Fields, problems: Problem[]): Store | undefined {
  const [kind, second] = (["kv", "objects"] as const).filter((one) => raw[one] !== undefined);
  if (kind === undefined) return undefined;
  if (second !== undefined)
    problems.push({ path: [second], message: `cannot stand beside \`${kind}\`: make one handler for each bucket` });
  const read = jetStreamName(raw[kind]);
  if ("value" in read) return { kind, bucket: read.value };
  problems.push({ path: [kind], message: `names a bucket, and ${read.problem}` });
  return { kind, bucket: "" };
}

/** The subjects of what it takes of the store. `raw`: its `subject`. */
export function readKeys(store: Store, raw: unknown): Read<readonly string[]> {
  if (store.kind === "objects")
    return raw === undefined
      ? { value: [storeSubject(store)] }
      : { problem: `cannot stand beside \`objects\`: ${NO_PATTERN}` };
  if (raw === undefined) return { problem: 'is missing: say which keys to take, such as "profile.*", or ">" for all' };
  const read = takenList(keyPattern, raw);
  return "value" in read ? { value: read.value.map((pattern) => storeSubject(store, pattern)) } : read;
}

const keyPattern: Reader<string> = (raw) => {
  if (typeof raw !== "string") return problem(KEY, raw);
  const tokens = raw.split(".");
  const fits = (token: string, at: number) =>
    token === "*" || (token === ">" && at === tokens.length - 1) || KEY_TOKEN.test(token);
  return tokens.every(fits) ? { value: raw } : problem(KEY, raw);
};

export function storeProblems(
  raw: Fields,
  { store, payload, fleetOrder }: Pick<ResolvedMetadata, "store" | "payload" | "fleetOrder">,
): Problem[] {
  if (store === undefined) return [];
  const beside = (key: string, why: string): Problem => {
    return { path: [key], message: `cannot stand beside \`${store.kind}\`: ${why}` };
  };
  const given = Object.entries(REFUSED).filter(([key]) => raw[key] !== undefined);
  return [
    ...given.map(([key, why]) => beside(key, why)),
    ...(fleetOrder !== undefined
      ? [
          beside(
            "orderBy",
            'the stream it copies to would keep what the bucket forgets; give it a function, or say `concurrency: "one"`',
          ),
        ]
      : []),
    ...(store.kind === "objects" && payload !== "json"
      ? [beside("payload", "what is told of an object is JSON; its content is read with a client")]
      : []),
  ];
}
