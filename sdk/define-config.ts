// What `handlers.config.ts` may say. All of it is optional; a flag or an environment variable wins over the file.

import type { Duration } from "./duration.ts";
import type { RetryPolicy } from "./metadata.ts";
import type { Size } from "./size.ts";

export interface NatsConfig {
  /** One URL, several joined by commas, or a list: `"nats://localhost:4222"`. */
  servers?: string | readonly string[] | undefined;
  user?: string | undefined;
  password?: string | undefined;
  token?: string | undefined;
  /** Path of a credentials file. */
  creds?: string | undefined;
  /** Path of an nkey seed file, or the seed. */
  nkey?: string | undefined;
  /** Paths of PEM files. */
  tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | undefined;
  /** Name of a NATS CLI context to take the settings from that are not given here. */
  context?: string | undefined;
  /** Prefix of the subjects replies arrive on. Default: `_INBOX`. */
  inboxPrefix?: string | undefined;
}

/** A JetStream stream of this app: made by `dev`, checked by `start`. What is left out stays as the server has it. */
export interface StreamConfig {
  /** Letters, digits, `_` and `-`. */
  name: string;
  subjects: readonly string[];
  description?: string | undefined;
  maxAge?: Duration | undefined;
  maxBytes?: Size | undefined;
  maxMessages?: number | undefined;
  maxMessageSize?: Size | undefined;
  retention?: "limits" | "interest" | "workqueue" | undefined;
  storage?: "file" | "memory" | undefined;
  discard?: "old" | "new" | undefined;
  /** Copies in a cluster, 1 to 5. */
  replicas?: number | undefined;
  /** How long the server remembers message ids. */
  duplicateWindow?: Duration | undefined;
}

/** Defaults for every handler's metadata; the fields mean what they mean there. */
export interface HandlerDefaultsConfig {
  kind?: "event" | "durable" | "request" | undefined;
  concurrency?: number | undefined;
  timeout?: Duration | undefined;
  retry?: RetryPolicy | undefined;
  expires?: Duration | undefined;
  memory?: Size | undefined;
  env?: readonly string[] | undefined;
  idle?: Duration | "never" | undefined;
  minWorkers?: number | undefined;
  workers?: number | undefined;
  maxQueued?: number | undefined;
  /** Most bytes waiting for one handler in one replica. Default `"64MB"`. */
  maxQueuedSize?: Size | undefined;
}

type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

export interface UserConfig {
  /** Prefix of queue groups, durables, buckets and streams: letters, digits, `_`, `-`. Default: the name in package.json. */
  app?: string | undefined;
  /** The folder of the handler files, from the project's root. Default `"handlers"`. */
  handlers?: string | undefined;
  /** Where NATS is. Without servers `dev` starts an embedded one and `start` refuses. */
  nats?: NatsConfig | undefined;
  streams?: readonly StreamConfig[] | undefined;
  defaults?: HandlerDefaultsConfig | undefined;
  /** Health and metrics. Without a port there is none. Default host: all in `start`, loopback in `dev`. */
  http?: { port?: number | undefined; host?: string | undefined } | undefined;
  /** Names or globs of handlers not to bind: `"todo/*"`. */
  disabled?: readonly string[] | undefined;
  /** Default `"info"`. */
  logLevel?: LogLevel | undefined;
  /** Levels of single handlers, by name or glob: `{ "todo/*": "debug" }`. Of several that fit, the last holds. */
  logLevels?: Readonly<Record<string, LogLevel>> | undefined;
  /** How long messages in flight may take to end at shutdown. Default `"25s"`. */
  drain?: Duration | undefined;
  /** From the abort at a timeout until the worker is ended. Default `"1s"`. */
  killGrace?: Duration | undefined;
  /** How long a bundle may take to load, its setup included. Default `"10s"`. */
  startTimeout?: Duration | undefined;
  /** How many handlers a message may pass through before it is taken for a loop, 1 to 1,000. Default 16. */
  maxHops?: number | undefined;
  /** Booted processes kept ready for the next handler that needs one, 0 to 16. Default 2. */
  warmWorkers?: number | undefined;
  /** With at most this many handlers each gets its process at the start; with more, at its first message. Default 32. */
  eagerWorkers?: number | undefined;
}

/** The same object, checked by the compiler; the runtime checks it again and reports every problem at once. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}
