// The configuration once flag, environment, file and default have been weighed: no field is optional.

import type { LogLevel } from "../events.ts";
import type { HandlerDefaults } from "../metadata/handler-metadata.ts";
import type { NatsSettings } from "../nats/nats-settings.ts";
import type { DeclaredStream } from "../streams/stream-settings.ts";
import type { LargePayloads } from "./large-payloads.ts";
import type { HandlerLevel } from "./log-levels.ts";

/** As `nats/` takes them, but for the servers. All paths are absolute. */
export interface ConfiguredNats extends Omit<NatsSettings, "servers"> {
  /** `undefined`: none was named. `dev` then starts a server of its own, `start` refuses. */
  readonly servers: readonly string[] | undefined;
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
  /** `<root>/.handlers`, or a temporary folder where that cannot be written to: what the runtime keeps between runs. */
  readonly stateDir: string;
  readonly configFile: string | undefined;
  /** Files whose change changes the configuration: the configuration file and what it imports of the author's. */
  readonly configInputs: readonly string[];
  /** Absolute paths of the modules that every handler's process loads before its handler. */
  readonly preload: readonly string[];
  /** Export conditions that hold beside Node's own. */
  readonly conditions: readonly string[];
  /** Packages that a build copies instead of bundling them. */
  readonly external: readonly string[];
  readonly nats: ConfiguredNats;
  readonly streams: readonly DeclaredStream[];
  /** Of each stream that the runtime makes. `undefined`: nobody says, so as many as the cluster offers. */
  readonly copies: number | undefined;
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
  /** Where contents go that are too large for a message; undefined: they are refused. */
  readonly largePayloads: LargePayloads | undefined;
  readonly drainGraceMs: number;
  readonly killGraceMs: number;
  readonly startTimeoutMs: number;
  readonly maxHops: number;
  readonly warmWorkers: number;
  readonly eagerWorkers: number;
  /** Of each handler; 0: none. */
  readonly keepVersions: number;
}
