// What `handlers.config.ts` may say. All of it is optional; a flag or an environment variable wins over the file.

import type { Duration } from "./duration.ts";
import type { RetryPolicy } from "./metadata.ts";
import type { Size } from "./size.ts";

export interface NatsConfig {
  /** One URL, several joined by commas, or a list: `"nats://localhost:4222"`. */
  servers?: string | readonly string[] | undefined;
  /** With `password`, or alone where the server asks for no password. `NATS_USER` and `--user` win over it. */
  user?: string | undefined;
  /** Needs `user`. Refused together with `token`, `creds` and `nkey`. */
  password?: string | undefined;
  /** Alone: refused together with the other ways to log in. */
  token?: string | undefined;
  /** Path of a credentials file. */
  creds?: string | undefined;
  /** Path of an nkey seed file, or the seed. */
  nkey?: string | undefined;
  /** Paths of PEM files. */
  tls?:
    | {
        /** The certificate authority that signed the server's certificate. Default: those of Node. */
        ca?: string | undefined;
        /** The client's certificate. Needs `key`. */
        cert?: string | undefined;
        /** The key of `cert`. */
        key?: string | undefined;
      }
    | undefined;
  /** Name of a NATS CLI context to take the settings from that are not given here. */
  context?: string | undefined;
  /** Prefix of the subjects replies arrive on. Default: `_INBOX`. */
  inboxPrefix?: string | undefined;
  /**
   * The JetStream domain that has this app's streams, dead letters and all else that it keeps: that of a hub, where the app
   * connects to a leaf node. Default: the JetStream of the server it connects to.
   */
  domain?: string | undefined;
}

/** A JetStream stream of this app: made by `dev`, checked by `start`. What is left out stays as the server has it. */
export interface StreamConfig {
  /** Letters, digits, `_` and `-`. */
  name: string;
  /** What it stores, one subject or more; wildcards as in NATS. No other stream may take the same. */
  subjects: readonly string[];
  /** For people: shown by `nats stream info`. */
  description?: string | undefined;
  /** How long a message is kept. A new stream keeps them for ever. */
  maxAge?: Duration | undefined;
  /** How much is kept in all; see `discard`. A new stream has no bound. */
  maxBytes?: Size | undefined;
  /** How many messages are kept, 1 or more; see `discard`. A new stream has no bound. */
  maxMessages?: number | undefined;
  /** The largest message it takes. A new stream takes what the server does. */
  maxMessageSize?: Size | undefined;
  /** When a message goes: at a limit, when every durable has it, or when one has. A new stream has `"limits"`. */
  retention?: "limits" | "interest" | "workqueue" | undefined;
  /** A new stream has `"file"`; with `"memory"` a restarted server has forgotten it. Cannot be changed afterwards. */
  storage?: "file" | "memory" | undefined;
  /** At a limit the oldest message goes, or the new one is refused to its publisher. A new stream has `"old"`. */
  discard?: "old" | "new" | undefined;
  /** Copies in a cluster, 1 to 5. A new stream has as many as `replicas` of the configuration says. */
  replicas?: number | undefined;
  /** How long the server remembers message ids. A new stream has `"10m"`, as far as the server allows. */
  duplicateWindow?: Duration | undefined;
  /**
   * Whether it stores several messages as one, as handlers with `outputs: "atomic"` need (`allow_atomic`, nats-server 2.12; an older server leaves it
   * out, and a start says so). Their marks need a subject beside: `"outputs.<app>.>"`. A new stream does not.
   */
  atomic?: boolean | undefined;
}

/** Defaults for every handler's metadata; the fields mean what they mean there. */
export interface HandlerDefaultsConfig {
  /** Default `"event"`. */
  kind?: "event" | "durable" | "request" | undefined;
  /** In what messages are wrapped. Gives way where a handler has a `schedule`, or a `payload` that is not JSON. Default `"none"`. */
  envelope?: "none" | "nest" | undefined;
  /** Messages running at the same time in one replica, 1 to 10,000. Default 16. */
  concurrency?: number | undefined;
  /** Longest run of one message, `"1ms"` to `"24d"`. Default `"30s"`. */
  timeout?: Duration | undefined;
  /** For durable handlers. Default: 5 attempts, 1 s to 10 minutes apart. */
  retry?: RetryPolicy | undefined;
  /** For durable handlers: older messages become dead letters unrun. Default: never. */
  expires?: Duration | undefined;
  /** Headers that go on to what handlers publish and request; one that names its own has those alone. Default none. */
  propagate?: readonly string[] | undefined;
  /** Heap of a handler's process, `"16MB"` or more. Default `"256MB"`. */
  memory?: Size | undefined;
  /** Environment variables every handler may read; `NATS_*` is refused. Default none. */
  env?: readonly string[] | undefined;
  /** Time without messages after which a process is given up, `"1s"` or more. Default `"5m"`. */
  idle?: Duration | "never" | undefined;
  /** Processes kept even when idle, 0 to `workers`. Default 0. */
  minWorkers?: number | undefined;
  /** Processes for each handler in one replica, 1 to 256. Default 1. */
  workers?: number | undefined;
  /** Most messages waiting for one handler in one replica, 1 to 1,000,000. Default 10,000. */
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
  /**
   * Modules that every handler's process loads before its handler, as paths from the root: `["./instrument.ts"]`. In `dev`
   * and in builds.
   */
  preload?: readonly string[] | undefined;
  /** Conditions by which the `exports` of packages are read, beside Node's own and tsconfig's `customConditions`. */
  conditions?: readonly string[] | undefined;
  /**
   * Packages that a build copies, with what they need, instead of bundling them: `["pg"]`. Imported or not, they must be
   * installed.
   */
  external?: readonly string[] | undefined;
  /** Where NATS is. Without servers `dev` starts an embedded one and `start` refuses. */
  nats?: NatsConfig | undefined;
  /** The app's streams. `dev` and `start --provision` make and change them; `start` says how they differ. Default none. */
  streams?: readonly StreamConfig[] | undefined;
  /**
   * Copies, 1 to 5, of every stream that the runtime makes in a cluster: for dead letters, for what is disabled, for handlers.
   * Default: as many as the safest of `streams` states, else 3. Where there are fewer servers, as many as these allow.
   */
  replicas?: number | undefined;
  /** What a handler's metadata leaves out. */
  defaults?: HandlerDefaultsConfig | undefined;
  /** Health and metrics. Without a port there is none. Default host: all in `start`, loopback in `dev`. */
  http?:
    | {
        /** 1 to 65,535. */
        port?: number | undefined;
        /** Address to listen on: `"127.0.0.1"`. */
        host?: string | undefined;
      }
    | undefined;
  /**
   * What handlers publish beyond the server's `max_payload` (up to 64 MB) is kept in an object bucket, and fetched before the
   * handler that takes it is run: docs/buckets.md. `ttl`, `"1m"` to `"3650d"`: how long; it must outlast streams and dead letters.
   * `bucket`: its name begins with `LARGE_`. Default: refused with 413; with `true` `LARGE_<app>` and `"40d"`.
   */
  largePayloads?: boolean | { bucket?: string | undefined; ttl?: Duration | undefined } | undefined;
  /** Names or globs of handlers not to bind: `"todo/*"`. */
  disabled?: readonly string[] | undefined;
  /** Lines below it are not written. Default `"info"`. */
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
  /** How many versions of each handler are kept for `handlers rollback`, 0 (none) to 20. Default 5. */
  keepVersions?: number | undefined;
}

/** The same object, checked by the compiler; the runtime checks it again and reports every problem at once. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}
