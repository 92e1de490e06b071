// The shape of `handlers.config.ts`, checked at run time. Leaves are read by the same readers as handler metadata.

import * as z from "zod";
import {
  boolean,
  duration,
  handlerOptions,
  integer,
  jetStreamName,
  listOf,
  maxQueuedSize,
  oneOf,
  type Reader,
  size,
  subject,
  text,
} from "../metadata/options.ts";
import { readPropagate } from "../metadata/propagate.ts";
import { inboxPrefix } from "./inbox-prefix.ts";
import { readLargePayloads } from "./large-payloads.ts";
import { levelsByHandler, logLevel, pattern } from "./log-levels.ts";
import { readServers } from "./server-url.ts";

const HOUR_MS = 3_600_000;
const LONGEST_AGE_MS = 3_650 * 24 * HOUR_MS;

export const appName = text('must be 1 to 64 letters, digits, "_" or "-"', /^[A-Za-z0-9_-]{1,64}$/);
export const folder = text('must be the path of a folder, such as "handlers"', /^[^\0]+$/);
/** 0: any that is free. */
export const port = integer(0, 65_535);
export const host = text('must be a host name or address, such as "127.0.0.1"', /^[^\s/]+$/);
export const graceful = duration(0, HOUR_MS, '"0s" to "1h"');
export const patterns = listOf(pattern, 'must be a list of names or globs, such as ["todo/*"]');

const modulePaths = listOf(
  text('must be the path of a module, such as "./instrument.ts"', /^\.{0,2}\//),
  'must be a list of paths from the root, such as ["./instrument.ts"]',
);
const conditions = listOf(
  text('must be the name of a condition, such as "development"', /^[\w@.-]+$/),
  'must be a list of names, such as ["development"]',
);
const packageNames = listOf(
  text('must be the name of a package, such as "pg"', /^(@[\w.~-]+\/)?[\w.~-]+$/),
  'must be a list of names of packages, such as ["pg"]',
);
const words = text("must be a text that is not empty", /\S/);
/** As `words`, but never repeated back: it may be what should not be printed. */
const secret: Reader<string> = (raw) =>
  typeof raw === "string" && raw.trim() !== "" ? { value: raw } : { problem: "must be a text that is not empty" };
const subjects = listOf(subject, 'must be a list of subjects, such as ["orders.>"]');
const copies = integer(1, 5);
const age = duration(100, LONGEST_AGE_MS, '"100ms" to "3650d"');

/** A leaf that may be left out, or be undefined, which is the same. */
function leaf<T>(reader: Reader<T>) {
  return required(reader).optional();
}

function required<T>(reader: Reader<T>) {
  return z.unknown().transform((raw, context): T => {
    const read = reader(raw);
    if ("value" in read) return read.value;
    context.issues.push({ code: "custom", message: read.problem, input: raw });
    return z.NEVER;
  });
}

const nats = z.strictObject({
  servers: leaf(readServers),
  user: leaf(words),
  password: leaf(secret),
  token: leaf(secret),
  creds: leaf(words),
  nkey: leaf(secret),
  tls: z.strictObject({ ca: leaf(words), cert: leaf(words), key: leaf(words) }).optional(),
  context: leaf(words),
  inboxPrefix: leaf(inboxPrefix),
  domain: leaf(jetStreamName),
});

const stream = z.strictObject({
  name: required(jetStreamName),
  subjects: required(subjects),
  description: leaf(words),
  maxAge: leaf(age),
  maxBytes: leaf(size(1024, '"1KB"')),
  maxMessages: leaf(integer(1, Number.MAX_SAFE_INTEGER)),
  maxMessageSize: leaf(size(1024, '"1KB"')),
  retention: leaf(oneOf("limits", "interest", "workqueue")),
  storage: leaf(oneOf("file", "memory")),
  discard: leaf(oneOf("old", "new")),
  replicas: leaf(copies),
  duplicateWindow: leaf(age),
  atomic: leaf(boolean),
});

const defaults = z.strictObject({
  kind: leaf(handlerOptions.kind),
  envelope: leaf(handlerOptions.envelope),
  concurrency: leaf(handlerOptions.concurrency),
  timeout: leaf(handlerOptions.timeout),
  retry: z.strictObject({ attempts: leaf(handlerOptions.attempts), backoff: leaf(handlerOptions.backoff) }).optional(),
  expires: leaf(handlerOptions.expires),
  propagate: leaf(readPropagate),
  memory: leaf(handlerOptions.memory),
  env: leaf(handlerOptions.env),
  idle: leaf(handlerOptions.idle),
  minWorkers: leaf(handlerOptions.minWorkers),
  workers: leaf(handlerOptions.workers),
  maxQueued: leaf(handlerOptions.maxQueued),
  maxQueuedSize: leaf(maxQueuedSize),
});

export const userConfigSchema = z.strictObject({
  app: leaf(appName),
  handlers: leaf(folder),
  nats: nats.optional(),
  streams: z.array(stream).optional(),
  replicas: leaf(copies),
  defaults: defaults.optional(),
  http: z.strictObject({ port: leaf(port), host: leaf(host) }).optional(),
  preload: leaf(modulePaths),
  conditions: leaf(conditions),
  external: leaf(packageNames),
  largePayloads: leaf(readLargePayloads),
  disabled: leaf(patterns),
  logLevel: leaf(logLevel),
  logLevels: leaf(levelsByHandler),
  drain: leaf(graceful),
  killGrace: leaf(graceful),
  startTimeout: leaf(duration(100, HOUR_MS, '"100ms" to "1h"')),
  maxHops: leaf(integer(1, 1_000)),
  warmWorkers: leaf(integer(0, 16)),
  eagerWorkers: leaf(integer(0, 10_000)),
  keepVersions: leaf(integer(0, 20)),
});

/** What the file says, read: durations in milliseconds, sizes in bytes; what it leaves out is undefined. */
export type FileConfig = z.output<typeof userConfigSchema>;
export type FileNats = z.output<typeof nats>;
