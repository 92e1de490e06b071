// From what a handler exports as `metadata`, as it came over the wire, to what the runtime works with.
// Every problem is found in one reading, each with what was received and, where the source is at hand, its line.

import { formatPlace, RuntimeError, type SourcePlace } from "../errors.ts";
import { readEnvelope } from "./envelope.ts";
import type { HandlerDefaults, ResolvedMetadata, Schedule } from "./handler-metadata.ts";
import { locate, METADATA_LITERAL } from "./locate.ts";
import { didYouMean } from "./nearest.ts";
import {
  boolean,
  handlerOptions,
  isWireCodec,
  isWireFunction,
  isWireSchema,
  isWireUnsupported,
  jetStreamName,
  listOf,
  oneOf,
  problem,
  type Read,
  type Reader,
  subject,
  text,
} from "./options.ts";
import { readPropagate } from "./propagate.ts";
import { readSchedule, scheduleRefusals } from "./schedule.ts";
import { takenSubjects } from "./taken-subjects.ts";

/** Whose metadata it is. `file` is the path to show; `source` is the text of that file, if it is at hand. */
export interface MetadataOrigin {
  readonly handler: string;
  readonly file: string;
  readonly source?: string | undefined;
}

export type ParsedMetadata =
  | { readonly ok: true; readonly metadata: ResolvedMetadata }
  | { readonly ok: false; readonly error: RuntimeError };

const MOST_PUBLISHES = 1_000;
const KNOWN_KEYS = [
  ...[
    "subject",
    "kind",
    "stream",
    "domain",
    "schema",
    "reply",
    "payload",
    "envelope",
    "description",
    "concurrency",
    "timeout",
  ],
  ...[
    "schedule",
    "retry",
    "expires",
    "when",
    "orderBy",
    "publishes",
    "propagate",
    "memory",
    "env",
    "idle",
    "recycle",
    "minWorkers",
    "workers",
  ],
  ...["exclusive", "maxQueued", "replicas", "disabled"],
];
const RETRY_KEYS = ["attempts", "backoff"];
const RECYCLE_KEYS = ["messages", "age"];
const DURABLE_ONLY = ["stream", "domain", "retry", "expires", "orderBy"];

const NO_ANSWER =
  'is for handlers of kind "event" or "durable": a request that is let pass would have no answer; look at it in the function';

/** More of them help nobody. */
const MOST_PROBLEMS = 20;

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Check the raw metadata and fill in the defaults. A function arrives as `{ "$function": true }`, a schema as
 * `{ "$schema": "standard", vendor }`. Fails with one METADATA_INVALID error that tells every problem.
 */
export function parseMetadata(raw: unknown, defaults: HandlerDefaults, where: MetadataOrigin): ParsedMetadata {
  if (raw === undefined || raw === null) return { ok: false, error: missing(where) };
  if (typeof raw !== "object" || Array.isArray(raw) || isWireFunction(raw) || isWireUnsupported(raw)) {
    const { problem: message } = problem('must be an object such as { subject: "orders.created" }', raw);
    return { ok: false, error: invalid([{ path: [], message }], where) };
  }
  const problems: Problem[] = [];
  const metadata = readAll(raw as Fields, defaults, problems);
  return problems.length === 0 ? { ok: true, metadata } : { ok: false, error: invalid(problems, where) };
}

function readAll(raw: Fields, defaults: HandlerDefaults, problems: Problem[]): ResolvedMetadata {
  findUnknown(raw, [], KNOWN_KEYS, problems);
  const take = taking(raw, [], problems);
  const kind = take("kind", handlerOptions.kind, defaults.kind);
  const kindIsWrong = problems.some(({ path }) => path[0] === "kind");
  if (kind !== "durable" && !kindIsWrong) findDurableOnly(raw, kind, problems);
  take("reply", readSchema, false);
  if (raw.reply !== undefined && kind !== "request" && !kindIsWrong)
    problems.push({ path: ["reply"], message: `is for handlers of kind "request" only; this one is "${kind}"` });
  if (raw.when !== undefined && kind === "request") problems.push({ path: ["when"], message: NO_ANSWER });
  // One worker keeps the order, or has what there is only once; the default gives way.
  const needsOne = raw.orderBy !== undefined || raw.exclusive === true || raw.concurrency === "one";
  const workers = take("workers", handlerOptions.workers, needsOne ? 1 : defaults.workers);
  const subjects = takeSubjects(raw, problems);
  const oneAtATime = raw.concurrency === "one";
  const everyReplica = take("replicas", oneOf("share", "each"), "share") === "each";
  if (everyReplica && kind !== "event" && !kindIsWrong) {
    const message = `can be "each" for handlers of kind "event" only; this one is "${kind}"`;
    problems.push({ path: ["replicas"], message });
  }
  if (oneAtATime) problems.push(...oneRefusals(kind, subjects, raw));
  const payload = take("payload", readPayload, "json");
  const schedule = raw.schedule === undefined ? undefined : takeSchedule(raw, { kind, subjects }, problems);
  const metadata: ResolvedMetadata = {
    kind,
    subjects,
    stream: take<string | undefined>("stream", jetStreamName, undefined),
    domain: take<string | undefined>("domain", jetStreamName, undefined),
    ...(schedule === undefined ? {} : { schedule }),
    description: take(
      "description",
      text("must be a text of at most 1,000 characters", /^.{0,1000}$/s),
      defaults.description,
    ),
    hasSchema: take("schema", readSchema, false),
    payload,
    envelope: takeEnvelope(raw, defaults, { payload, schedule }, problems),
    streamsReply: false,
    concurrency: oneAtATime ? 1 : take("concurrency", concurrency, defaults.concurrency),
    oneAtATime,
    everyReplica,
    timeoutMs: take("timeout", handlerOptions.timeout, defaults.timeoutMs),
    retry: readRetry(raw.retry, defaults, problems),
    expiresMs: take("expires", handlerOptions.expires, defaults.expiresMs),
    filters: take("when", aFunction("of the content and the message that gives true or false"), false),
    ordered: take("orderBy", aFunction("of the event that gives a key"), false),
    publishes: take("publishes", readPublishes, []),
    propagate: take("propagate", readPropagate, defaults.propagate),
    memoryMiB: take("memory", handlerOptions.memory, defaults.memoryMiB),
    env: take("env", handlerOptions.env, defaults.env),
    idleMs: take("idle", handlerOptions.idle, defaults.idleMs),
    recycle: readRecycle(raw.recycle, defaults, problems),
    // The default gives way where fewer workers are asked for.
    minWorkers: take("minWorkers", handlerOptions.minWorkers, Math.min(defaults.minWorkers, workers)),
    workers,
    exclusive: take("exclusive", boolean, false),
    maxQueued: take("maxQueued", handlerOptions.maxQueued, defaults.maxQueued),
    maxQueuedBytes: defaults.maxQueuedBytes,
    disabled: take("disabled", boolean, defaults.disabled),
  };
  if (metadata.minWorkers > workers) {
    const message = `must not be more than workers, which is ${workers}; received ${metadata.minWorkers}`;
    problems.push({ path: ["minWorkers"], message });
  }
  if (metadata.ordered && workers > 1) {
    const message = `cannot be kept by ${workers} workers: each would have messages of every key; leave out workers, or orderBy`;
    problems.push({ path: ["orderBy"], message });
  }
  if (metadata.exclusive && workers > 1) {
    const message = `means one process at a time, and workers is ${workers}; leave out one of them`;
    problems.push({ path: ["exclusive"], message });
  }
  return metadata;
}

/** Why such a handler cannot run one message at a time over all replicas. */
function oneRefusals(kind: string, subjects: readonly string[], { workers }: Fields): Problem[] {
  const refuse = (message: string) => [{ path: ["concurrency"], message }];
  return [
    ...(kind === "durable" ? [] : refuse(`can be "one" for handlers of kind "durable" only; this one is "${kind}"`)),
    ...(subjects.length < 2 ? [] : refuse('can be "one" for one subject only: each has a consumer of its own')),
    ...(workers === undefined || workers === 1 ? [] : refuse(`"one" needs one worker, and workers is ${workers}`)),
  ];
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

function takeSubjects(raw: Fields, problems: Problem[]): readonly string[] {
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
  others: Pick<ResolvedMetadata, "payload" | "schedule">,
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

function readRetry(raw: unknown, defaults: HandlerDefaults, problems: Problem[]): ResolvedMetadata["retry"] {
  const take = nested("retry", raw, RETRY_KEYS, '{ attempts: 5, backoff: ["1s", "30s"] }', problems);
  if (take === undefined) return defaults.retry;
  return {
    attempts: take("attempts", handlerOptions.attempts, defaults.retry.attempts),
    backoffMs: take("backoff", handlerOptions.backoff, defaults.retry.backoffMs),
  };
}

/** "one" is read before. */
function concurrency(raw: unknown): Read<number> {
  const read = handlerOptions.concurrency(raw);
  return "value" in read || typeof raw !== "string" ? read : problem('must be a whole number, or "one"', raw);
}

function readSchema(raw: unknown): Read<boolean> {
  return isWireSchema(raw)
    ? { value: true }
    : problem("must be a Standard Schema, such as z.object({ ... }) of zod", raw);
}

function readPayload(raw: unknown): Read<ResolvedMetadata["payload"]> {
  if (raw === "json" || raw === "bytes") return { value: raw };
  if (!isWireCodec(raw)) return problem('must be "json", "bytes", or a codec with a function `decode(bytes)`', raw);
  const { contentType, encode } = raw;
  if (contentType !== undefined && !(typeof contentType === "string" && /^[^\s/;]+\/[^\s/;]+$/.test(contentType)))
    return problem('must have a media type such as "application/protobuf" as its contentType', contentType);
  if (encode !== undefined && !isWireFunction(encode)) return problem("must have a function as its encode", encode);
  return { value: "codec" };
}

function readPublishes(raw: unknown): Read<readonly string[]> {
  if (Array.isArray(raw) && raw.length > MOST_PUBLISHES)
    return { problem: `must list at most ${MOST_PUBLISHES} subjects, a wildcard for the rest; received ${raw.length}` };
  const entry: Reader<string> = (value) => subject((value as { subject?: unknown } | null)?.subject ?? value);
  const read = listOf(entry, 'must be a list of events or subjects, such as [itemSaved, "orders.>"]')(raw);
  return "value" in read ? { value: [...new Set(read.value)] } : read;
}

function aFunction(that: string): Reader<boolean> {
  return (raw) => (isWireFunction(raw) ? { value: true } : problem(`must be a function ${that}`, raw));
}

function findUnknown(raw: Fields, path: readonly string[], known: readonly string[], problems: Problem[]): void {
  for (const key of Object.keys(raw)) {
    if (known.includes(key)) continue;
    const message = `is not an option.${didYouMean(key, known) || ` There are: ${known.join(", ")}.`}`;
    problems.push({ path: [...path, key], message });
  }
}

function findDurableOnly(raw: Fields, kind: string, problems: Problem[]): void {
  for (const key of DURABLE_ONLY) {
    if (raw[key] === undefined) continue;
    problems.push({ path: [key], message: `is for handlers of kind "durable" only; this one is "${kind}"` });
  }
}

function missing({ handler, file }: MetadataOrigin): RuntimeError {
  return new RuntimeError("METADATA_INVALID", `handler "${handler}" exports no metadata`, {
    handler,
    place: { file },
    remedy:
      'Add `export const metadata = { subject: "orders.created" };`, or start the file\'s name with _ if it is no handler.',
  });
}

function invalid(problems: readonly Problem[], { handler, file, source }: MetadataOrigin): RuntimeError {
  const placed = problems.slice(0, MOST_PROBLEMS).map(({ path, message }) => ({
    text: `${["metadata", ...path].join(".")} ${message}`,
    place: { file, ...(source === undefined ? {} : locate(source, METADATA_LITERAL, path)) } satisfies SourcePlace,
  }));
  const [only] = placed;
  if (placed.length === 1 && only !== undefined) {
    return new RuntimeError("METADATA_INVALID", `handler "${handler}": ${only.text}`, { handler, place: only.place });
  }
  const lines = placed.map(({ text, place }) => `\n  ${formatPlace(place)}: ${text}`);
  const more = problems.length > MOST_PROBLEMS ? `\n  and ${problems.length - MOST_PROBLEMS} more` : "";
  const message = `handler "${handler}": metadata has ${problems.length} problems:${lines.join("")}${more}`;
  return new RuntimeError("METADATA_INVALID", message, { handler, place: { file } });
}
