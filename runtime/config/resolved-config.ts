// The configuration once flag, environment, file and default have been weighed: no field is optional.

import type { LogLevel } from "../events.ts";
import type { HandlerDefaults } from "../metadata/handler-metadata.ts";
import type { HandlerLevel } from "./log-levels.ts";

export interface NatsSettings {
  /** `undefined`: none was named. `dev` then starts a server of its own, `start` refuses. */
  readonly servers: readonly string[] | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** Absolute path of a credentials file. */
  readonly creds: string | undefined;
  /** A seed (`SU...`), or the absolute path of a file that holds one. */
  readonly nkey: string | undefined;
  /** Absolute paths of PEM files. */
  readonly tls: TlsSettings | undefined;
  readonly inboxPrefix: string | undefined;
}

export interface TlsSettings {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** A stream of the app. `undefined`: not stated, so what the server has stays. */
export interface StreamSettings {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly description: string | undefined;
  readonly maxAgeMs: number | undefined;
  readonly maxBytes: number | undefined;
  readonly maxMessages: number | undefined;
  readonly maxMessageBytes: number | undefined;
  readonly retention: "limits" | "interest" | "workqueue" | undefined;
  readonly storage: "file" | "memory" | undefined;
  readonly discard: "old" | "new" | undefined;
  readonly replicas: number | undefined;
  readonly duplicateWindowMs: number | undefined;
}

/** A name or glob of handlers that are off, and who says so: shown as `disabled by env`. */
export interface DisabledPattern {
  readonly pattern: string;
  readonly by: "config" | "env";
}

export interface ResolvedConfig {
  readonly app: string;
  /** Absolute paths. */
  readonly rootDir: string;
  readonly handlersDir: string;
  /** `<root>/.handlers`: what the runtime keeps between runs. */
  readonly stateDir: string;
  readonly configFile: string | undefined;
  /** Files whose change changes the configuration: the configuration file and what it imports of the author's. */
  readonly configInputs: readonly string[];
  readonly nats: NatsSettings;
  readonly streams: readonly StreamSettings[];
  readonly defaults: HandlerDefaults;
  /** Without a port there is no server. */
  readonly http: { readonly port: number | undefined; readonly host: string };
  /** From the file and the environment together: neither turns on what the other turns off. */
  readonly disabled: readonly DisabledPattern[];
  /** Names or globs of the only handlers to serve; empty: all. */
  readonly only: readonly string[];
  readonly logLevel: LogLevel;
  /** For the handlers named; of several that name one, the last holds. */
  readonly logLevels: readonly HandlerLevel[];
  readonly drainGraceMs: number;
  readonly killGraceMs: number;
  readonly startTimeoutMs: number;
  readonly maxHops: number;
  readonly warmWorkers: number;
  readonly eagerWorkers: number;
}
