// From what a handler exports as `metadata`, as it came over the wire, to what the runtime works with.
// Every problem is found in one reading, each with what was received and, where the source is at hand, its line.

import type { RuntimeError } from "../errors.ts";
import { BATCH_EXAMPLE, BATCH_KEYS, BATCH_WAIT_MS, batchOptions, batchProblems } from "./batch.ts";
import {
  CANARY_DEFAULTS,
  CANARY_EXAMPLE,
  CANARY_KEYS,
  canaryOptions,
  canaryProblems,
  readCanaryPercent,
} from "./canary.ts";
import { kindProblems, workerProblems } from "./combinations.ts";
import { readEnvelope } from "./envelope.ts";
import { everyReplicaProblems } from "./every-replica.ts";
import { FAIR_EXAMPLE, FAIR_KEYS, FAIR_MOST_QUEUED, fairByProblems, fairOptions } from "./fair-by.ts";
import {
  asksForFleetOrder,
  FLEET_ORDER_EXAMPLE,
  FLEET_ORDER_KEYS,
  fleetOrderProblems,
  PARTITIONS,
  partitionCount,
} from "./fleet-order.ts";
import { groupProblems, OF_A_GROUP, readGroup } from "./group.ts";
import type { HandlerDefaults, MessageKey, ResolvedMetadata, Schedule, StartFrom, Store } from "./handler-metadata.ts";
import { MESSAGE_KEY_PARTS, readMessageKey } from "./message-key.ts";
import { invalidMetadata, type MetadataOrigin, missingMetadata, type Problem } from "./metadata-problems.ts";
import { didYouMean } from "./nearest.ts";
import {
  boolean,
  handlerOptions,
  isWireFunction,
  isWireUnsupported,
  jetStreamName,
  oneOf,
  problem,
  type Reader,
  text,
} from "./options.ts";
import { outputsProblems } from "./outputs.ts";
import { readPropagate } from "./propagate.ts";
import { isRatePolicy, RATE_EXAMPLE, RATE_KEYS, rateProblems, readPer, readRate, readShortRate } from "./rate.ts";
import { readKeys, readStore, storeProblems } from "./read-store.ts";
import {
  aFunction,
  bucketNames,
  readConcurrency,
  readFrom,
  readPayload,
  readPublishes,
  readSchema,
} from "./readers.ts";
import { readSchedule, scheduleRefusals } from "./schedule.ts";
import { readSpacing, spacingProblems } from "./spacing.ts";
import { streamOfStore } from "./store.ts";
import { takenSubjects } from "./taken-subjects.ts";

export type ParsedMetadata =
  | { readonly ok: true; readonly metadata: ResolvedMetadata }
  | { readonly ok: false; readonly error: RuntimeError };

const KNOWN_KEYS = [
  ...[
    "subject",
    "kind",
    "kv",
    "objects",
    "stream",
    "domain",
    "from",
    "schema",
    "reply",
    "payload",
    "envelope",
    "description",
    "concurrency",
  ],
  ...[
    "timeout",
    "schedule",
    "retry",
    "expires",
    "when",
    "orderBy",
    "publishes",
    "propagate",
    "uses",
    "memory",
    "env",
    "idle",
  ],
  ...[
    "batch",
    "recycle",
    "minWorkers",
    "workers",
    "exclusive",
    "maxQueued",
    "rate",
    "fairBy",
    "replicas",
    "canary",
    "disabled",
  ],
  ...["debounce", "throttle", "singleton", "group", "outputs"],
];
const RETRY_KEYS = ["attempts", "backoff"];
const USES_KEYS = ["kv", "objects"];
const RECYCLE_KEYS = ["messages", "age"];

type Fields = Readonly<Record<string, unknown>>;

/**
 * Check the raw metadata and fill in the defaults. A function arrives as `{ "$function": true }`, a schema as
 * `{ "$schema": "standard", vendor }`. Fails with one METADATA_INVALID error that tells every problem.
 */
export function parseMetadata(raw: unknown, defaults: HandlerDefaults, where: MetadataOrigin): ParsedMetadata {
  if (raw === undefined || raw === null) return { ok: false, error: missingMetadata(where) };
  if (typeof raw !== "object" || Array.isArray(raw) || isWireFunction(raw) || isWireUnsupported(raw)) {
    const { problem: message } = problem('must be an object such as { subject: "orders.created" }', raw);
    return { ok: false, error: invalidMetadata([{ path: [], message }], where) };
  }
  const problems: Problem[] = [];
  const metadata = readAll(raw as Fields, defaults, problems);
  return problems.length === 0 ? { ok: true, metadata } : { ok: false, error: invalidMetadata(problems, where) };
}

function readAll(raw: Fields, defaults: HandlerDefaults, problems: Problem[]): ResolvedMetadata {
  findUnknown(raw, [], KNOWN_KEYS, problems);
  const take = taking(raw, [], problems);
  const kind = take("kind", handlerOptions.kind, defaults.kind);
  const kindIsWrong = problems.some(({ path }) => path[0] === "kind");
  take("reply", readSchema, false);
  // One worker keeps the order, or has what there is only once; the default gives way.
  const overFleet = asksForFleetOrder(raw.orderBy);
  const needsOne =
    (raw.orderBy !== undefined && !overFleet) ||
    raw.exclusive === true ||
    raw.concurrency === "one" ||
    raw.canary !== undefined ||
    raw.group !== undefined;
  const workers = take("workers", handlerOptions.workers, needsOne ? 1 : defaults.workers);
  const store = readStore(raw, problems);
  const subjects = takeSubjects(raw, store, problems);
  const oneAtATime = raw.concurrency === "one";
  const everyReplica = take("replicas", oneOf("share", "each"), "share") === "each";
  const hasOwn = everyReplica && kind === "durable";
  if (!kindIsWrong) problems.push(...kindProblems(raw, { kind, everyReplica }));
  const payload = take("payload", readPayload, "json");
  const batch = readBatch(raw.batch, problems);
  const canary = readCanary(raw.canary, problems);
  const group = take<string | undefined>("group", readGroup, undefined);
  const rate = takeRate(raw, problems);
  const fairBy = readFairBy(raw.fairBy, problems);
  const mostQueued = fairBy !== undefined && kind === "durable" ? FAIR_MOST_QUEUED : 0;
  const fleetOrder = overFleet ? readFleetOrder(raw.orderBy, problems) : undefined;
  const schedule =
    raw.schedule === undefined || store !== undefined ? undefined : takeSchedule(raw, { kind, subjects }, problems);
  const metadata: ResolvedMetadata = {
    kind,
    subjects,
    ...(store === undefined ? {} : { store }),
    stream: take<string | undefined>("stream", jetStreamName, store && streamOfStore(store)),
    domain: take<string | undefined>("domain", jetStreamName, undefined),
    from: take<StartFrom>("from", readFrom, { kind: hasOwn ? "new" : "all" }),
    ...(schedule === undefined ? {} : { schedule }),
    description: take(
      "description",
      text("must be a text of at most 1,000 characters", /^.{0,1000}$/s),
      defaults.description,
    ),
    hasSchema: take("schema", readSchema, false),
    payload,
    envelope: takeEnvelope(raw, defaults, { payload, schedule, store }, problems),
    streamsReply: false,
    // One batch at a time is as full as can be; the default gives way.
    concurrency: oneAtATime ? 1 : take("concurrency", readConcurrency, batch === undefined ? defaults.concurrency : 1),
    ...(batch === undefined ? {} : { batch }),
    oneAtATime,
    ...(rate === undefined ? {} : { rate }),
    ...readSpacing(raw, problems),
    singleton: take("singleton", boolean, false),
    ...(fairBy === undefined ? {} : { fairBy }),
    everyReplica,
    timeoutMs: take("timeout", handlerOptions.timeout, defaults.timeoutMs),
    retry: readRetry(raw.retry, defaults, problems),
    expiresMs: take("expires", handlerOptions.expires, defaults.expiresMs),
    filters: take("when", aFunction("of the content and the message that gives true or false"), false),
    ordered: overFleet ? false : take("orderBy", readOrderBy, false),
    ...(fleetOrder === undefined ? {} : { fleetOrder }),
    outputs: take("outputs", oneOf("each", "atomic"), "each"),
    publishes: take("publishes", readPublishes, []),
    propagate: take("propagate", readPropagate, defaults.propagate),
    uses: readUses(raw.uses, problems),
    memoryMiB: take("memory", handlerOptions.memory, defaults.memoryMiB),
    env: take("env", handlerOptions.env, defaults.env),
    // What a replica holds for itself would be gone with its process; the default gives way.
    idleMs: take("idle", handlerOptions.idle, hasOwn ? 0 : defaults.idleMs),
    recycle: readRecycle(raw.recycle, defaults, problems),
    // The default gives way where fewer workers are asked for.
    minWorkers: take("minWorkers", handlerOptions.minWorkers, Math.min(defaults.minWorkers, workers)),
    workers,
    exclusive: take("exclusive", boolean, false),
    ...(canary === undefined ? {} : { canary }),
    ...(group === undefined ? {} : { group, ...OF_A_GROUP }),
    maxQueued: take("maxQueued", handlerOptions.maxQueued, Math.max(defaults.maxQueued, mostQueued)),
    maxQueuedBytes: defaults.maxQueuedBytes,
    disabled: take("disabled", boolean, defaults.disabled),
  };
  problems.push(
    ...workerProblems(metadata),
    ...batchProblems(raw, metadata),
    ...canaryProblems(raw, metadata),
    ...spacingProblems(raw, metadata),
    ...groupProblems(raw, metadata),
    ...rateProblems(raw, metadata),
    ...fairByProblems(raw, metadata),
    ...everyReplicaProblems(raw, metadata),
    ...fleetOrderProblems(raw, metadata),
    ...storeProblems(raw, metadata),
    ...outputsProblems(metadata),
  );
  return metadata;
}

/** Read one option, or note its problem and go on with the default. An option given as undefined is not given. */
function taking(raw: Fields, path: readonly string[], problems: Problem[]) {
  return <T>(key: string, reader: Reader<T>, fallback: T): T => {
    if (raw[key] === undefined) return fallback;
    const read = reader(raw[key]);
    if ("value" in read) return read.value;
    problems.push({ path: [...path, key], message: read.problem });
    return fallback;
  };
}

function takeSubjects(raw: Fields, store: Store | undefined, problems: Problem[]): readonly string[] {
  if (store !== undefined) {
    const read = readKeys(store, raw.subject);
    if ("value" in read) return read.value;
    problems.push({ path: ["subject"], message: read.problem });
    return [];
  }
  if (raw.subject === undefined) {
    problems.push({ path: ["subject"], message: 'is missing: say which messages to take, such as "orders.created"' });
    return [];
  }
  return taking(raw, [], problems)("subject", takenSubjects, []);
}

function takeSchedule(
  raw: Fields,
  { kind, subjects }: Pick<ResolvedMetadata, "kind" | "subjects">,
  problems: Problem[],
): Schedule | undefined {
  const read = readSchedule(raw.schedule);
  const found = [...scheduleRefusals(kind, subjects, raw), ...("problems" in read ? read.problems : [])];
  problems.push(...found.map(({ at, message }) => ({ path: ["schedule", ...at], message })));
  return "value" in read ? read.value : undefined;
}

function takeEnvelope(
  raw: Fields,
  defaults: HandlerDefaults,
  others: Pick<ResolvedMetadata, "payload" | "schedule" | "store">,
  problems: Problem[],
): ResolvedMetadata["envelope"] {
  const read = readEnvelope(raw.envelope, defaults.envelope, others);
  if ("value" in read) return read.value;
  problems.push({ path: ["envelope"], message: read.problem });
  return defaults.envelope;
}

/** A reader for the fields of a nested object, or undefined when there is none to read. */
function nested(key: string, raw: unknown, known: readonly string[], example: string, problems: Problem[]) {
  if (raw === undefined) return undefined;
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    const { problem: message } = problem(`must be an object such as ${example}`, raw);
    problems.push({ path: [key], message });
    return undefined;
  }
  findUnknown(raw as Fields, [key], known, problems);
  return taking(raw as Fields, [key], problems);
}

function readRecycle(raw: unknown, defaults: HandlerDefaults, problems: Problem[]): ResolvedMetadata["recycle"] {
  const take = nested("recycle", raw, RECYCLE_KEYS, '{ messages: 10000, age: "1h" }', problems);
  if (take === undefined) return defaults.recycle;
  return {
    messages: take("messages", handlerOptions.recycleMessages, 0),
    ageMs: take("age", handlerOptions.recycleAge, 0),
  };
}

function readUses(raw: unknown, problems: Problem[]): ResolvedMetadata["uses"] {
  const take = nested("uses", raw, USES_KEYS, '{ kv: ["users"], objects: ["files"] }', problems);
  return { kv: take?.("kv", bucketNames, []) ?? [], objects: take?.("objects", bucketNames, []) ?? [] };
}

function readBatch(raw: unknown, problems: Problem[]): ResolvedMetadata["batch"] {
  const take = nested("batch", raw, BATCH_KEYS, BATCH_EXAMPLE, problems);
  if (take === undefined) return undefined;
  if ((raw as Fields).size === undefined)
    problems.push({ path: ["batch", "size"], message: "is missing: say how many messages the function gets at most" });
  const key = take<MessageKey | undefined>("key", readMessageKey, undefined);
  return {
    size: take("size", batchOptions.size, 1),
    waitMs: take("wait", batchOptions.wait, BATCH_WAIT_MS),
    ...(key === undefined ? {} : { key }),
  };
}

function takeRate(raw: Fields, problems: Problem[]): ResolvedMetadata["rate"] {
  if (!isRatePolicy(raw.rate)) return taking(raw, [], problems)("rate", readShortRate, undefined);
  const take = nested("rate", raw.rate, RATE_KEYS, RATE_EXAMPLE, problems);
  if (take === undefined) return undefined;
  if ((raw.rate as Fields).limit === undefined)
    problems.push({ path: ["rate", "limit"], message: 'is missing: say how many may begin, such as "100/s"' });
  return {
    ...take("limit", readRate, { count: 1, everyMs: 1_000 }),
    per: take<"replica" | "fleet">("per", readPer, "replica"),
    key: take<MessageKey | undefined>("key", readMessageKey, undefined),
  };
}

function readFairBy(raw: unknown, problems: Problem[]): ResolvedMetadata["fairBy"] {
  const take = nested("fairBy", raw, FAIR_KEYS, FAIR_EXAMPLE, problems);
  if (take === undefined) return undefined;
  const key = take<MessageKey | undefined>("key", fairOptions.key, undefined);
  if ((raw as Fields).key === undefined)
    problems.push({ path: ["fairBy", "key"], message: `is missing: say whose turn it is, as in ${FAIR_EXAMPLE}` });
  if (key === undefined) return undefined;
  return { key, concurrency: take<number | undefined>("concurrency", fairOptions.concurrency, undefined) };
}

function readCanary(raw: unknown, problems: Problem[]): ResolvedMetadata["canary"] {
  if (typeof raw === "number") return taking({ canary: raw }, [], problems)("canary", readCanaryPercent, undefined);
  const take = nested("canary", raw, CANARY_KEYS, CANARY_EXAMPLE, problems);
  if (take === undefined) return undefined;
  if ((raw as Fields).percent === undefined)
    problems.push({ path: ["canary", "percent"], message: "is missing: say how much a new version gets at first" });
  return {
    percent: take("percent", canaryOptions.percent, 1),
    messages: take("messages", canaryOptions.messages, CANARY_DEFAULTS.messages),
    tolerance: take("tolerance", canaryOptions.tolerance, CANARY_DEFAULTS.tolerance),
  };
}

const readOrderBy: Reader<boolean> = (raw) =>
  isWireFunction(raw) ? { value: true } : problem(`must be ${FLEET_ORDER_EXAMPLE}`, raw);

function readFleetOrder(raw: unknown, problems: Problem[]): ResolvedMetadata["fleetOrder"] {
  const take = nested("orderBy", raw, FLEET_ORDER_KEYS, FLEET_ORDER_EXAMPLE, problems);
  if (take === undefined) return undefined;
  const { partitions: _, ...written } = raw as Fields;
  const known = Object.entries(written).filter(([part]) => MESSAGE_KEY_PARTS.includes(part));
  const key = readMessageKey(Object.fromEntries(known));
  if ("problem" in key) problems.push({ path: ["orderBy"], message: key.problem });
  const partitions = take("partitions", partitionCount, PARTITIONS);
  return "problem" in key ? undefined : { ...key.value, partitions };
}

function readRetry(raw: unknown, defaults: HandlerDefaults, problems: Problem[]): ResolvedMetadata["retry"] {
  const take = nested("retry", raw, RETRY_KEYS, '{ attempts: 5, backoff: ["1s", "30s"] }', problems);
  if (take === undefined) return defaults.retry;
  return {
    attempts: take("attempts", handlerOptions.attempts, defaults.retry.attempts),
    backoffMs: take("backoff", handlerOptions.backoff, defaults.retry.backoffMs),
  };
}

function findUnknown(raw: Fields, path: readonly string[], known: readonly string[], problems: Problem[]): void {
  for (const key of Object.keys(raw)) {
    if (known.includes(key)) continue;
    const message = `is not an option.${didYouMean(key, known) || ` There are: ${known.join(", ")}.`}`;
    problems.push({ path: [...path, key], message });
  }
}
