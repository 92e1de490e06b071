// What a runtime is started with, and what its starter holds.

import type { Clock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import type { Emit } from "../events.ts";
import type { HandlerCall } from "../message/handler-call.ts";
import type { NatsConnection } from "../nats/connection.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import type { Prebuilt } from "../prebuild/prebuilt.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";

export interface RuntimeOptions {
  readonly config: ResolvedConfig;
  /** `dev` brings its own nats-server when none is configured, and follows the files. */
  readonly mode: "dev" | "start";
  readonly clock: Clock;
  readonly emit: Emit;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told how a nats-server is got, when that takes a while. */
  readonly onProgress: (line: string) => void;
  /** Handlers to debug, with the port of their inspector. */
  readonly inspect?: ReadonlyMap<string, number>;
  /** Port of the embedded server; taken when free. */
  readonly natsPort?: number;
  /**
   * Make and change the declared streams, and make those that durable handlers lack. `dev` always does; `start` then also
   * makes at once those for dead letters and the like, which are else made when first needed.
   */
  readonly provision?: boolean;
  /** What time it is on the NATS server, for who knows it; by default as the server tells. */
  readonly serverClock?: ServerClock | undefined;
  /** Where the wait before a retry lies in its spread, from 0 to 1; undefined: by chance. */
  readonly retrySpread?: (() => number) | undefined;
  /** Bind nothing until operators enable handlers, one by one. */
  readonly hold?: boolean;
  /** Told of each publish and request of a handler before it is carried out. */
  readonly onCall?: ((call: HandlerCall) => void) | undefined;
  /** Serve this instead of the sources; not in `dev`. */
  readonly build?: Prebuilt | undefined;
}

export interface Runtime {
  readonly natsUrl: string;
  readonly connection: NatsConnection;
  status(): HandlerStatus[];
  /** Build and bring up a handler again; undefined when there is none of that name. */
  reload(name: string): Promise<void> | undefined;
  /** Drain, then end everything that was started. Resolves with what did not end in time. A second call joins the first. */
  close(graceMs?: number): Promise<readonly string[]>;
}
