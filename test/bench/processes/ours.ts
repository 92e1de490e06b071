// The runtime under test: the real one, started with a project folder, as `handlers start` does it.

import { join } from "node:path";
import { packageVersion } from "../../../runtime/cli/package-version.ts";
import { systemClock } from "../../../runtime/clock.ts";
import type { Runtime } from "../../../runtime/compose/runtime-options.ts";
import { startRuntime } from "../../../runtime/compose/start.ts";
import { handlerDefaults, runtimeDefaults } from "../../../runtime/config/defaults.ts";
import type { ResolvedConfig } from "../../../runtime/config/resolved-config.ts";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import { openBuild } from "../../../runtime/prebuild/prebuilt.ts";
import { heldMiB } from "../../support/footprint.ts";
import { startProfile, stopProfile } from "../measure/profile.ts";
import { serve, tell } from "../rpc.ts";

export interface OursStart {
  readonly natsUrl: string;
  readonly rootDir: string;
  /** `dev` follows the files. */
  readonly mode: "dev" | "start";
  /** `bench` unless given. */
  readonly app?: string;
  /** The folder of a build that is served instead of the sources. */
  readonly buildDir?: string;
}

/** Told to the bench whenever a version goes live. */
export interface Served {
  readonly handler: string;
  readonly why: "start" | "reload" | "restart" | "wake";
  readonly durationMs: number;
}

let runtime: Runtime | undefined;
const failures = new Map<string, number>();

async function start({ natsUrl, rootDir, mode, app = "bench", buildDir }: OursStart): Promise<void> {
  runtime = await startRuntime({
    config: configOf(rootDir, natsUrl, app),
    mode,
    build: buildDir === undefined ? undefined : openBuild(buildDir, rootDir, packageVersion()),
    clock: systemClock,
    emit: notice,
    environment: process.env,
    onProgress: () => undefined,
  });
}

/** Whatever a message or a handler came to that is not success: the round does not count then. */
function notice(event: RuntimeEvent): void {
  if (event.type === "handler.serving") {
    const { handler, why, durationMs } = event;
    return tell({ handler, why, durationMs } satisfies Served);
  }
  const line = failureLine(event);
  if (line !== undefined) failures.set(line, (failures.get(line) ?? 0) + 1);
}

function failureLine(event: RuntimeEvent): string | undefined {
  switch (event.type) {
    case "delivery.failed":
      return `${event.handler}: ${event.outcome}, ${event.error.message}`;
    case "delivery.dropped":
      return `${event.handler}: ${event.count} dropped, ${event.why}`;
    case "handler.failed":
    case "nats.error":
      return event.error.message;
    case "worker.exited":
      return event.expected ? undefined : `worker of ${event.handler} ended`;
    case "handler.output":
      return `${event.handler} wrote: ${event.line}`;
    default:
      return undefined;
  }
}

function configOf(rootDir: string, natsUrl: string, app: string): ResolvedConfig {
  const { httpHost, largePayloadsTtlMs: _ttl, ...defaults } = runtimeDefaults;
  return {
    ...defaults,
    largePayloads: undefined,
    logLevels: [],
    app,
    rootDir,
    handlersDir: join(rootDir, "handlers"),
    stateDir: join(rootDir, ".handlers"),
    configFile: undefined,
    configInputs: [],
    nats: { servers: [natsUrl], ...NO_CREDENTIALS },
    streams: [],
    copies: undefined,
    defaults: handlerDefaults,
    http: { port: undefined, host: httpHost.start },
    disabled: [],
    only: [],
    preload: [],
    conditions: [],
    external: [],
  };
}

const NO_CREDENTIALS = {
  user: undefined,
  password: undefined,
  token: undefined,
  creds: undefined,
  nkey: undefined,
  tls: undefined,
  domain: undefined,
  inboxPrefix: undefined,
} as const;

const commands = {
  start,
  /** What went wrong so far, in one line each. */
  failures: async (_: null): Promise<string[]> =>
    [...failures].map(([line, count]) => (count > 1 ? `${line} (${count} times)` : line)),
  /** Heap and Buffers of the supervisor after a collection. */
  heldMiB: (_: null): Promise<number> => heldMiB(),
  startProfile: (_: null) => startProfile(),
  stopProfile,
  close: async (_: null) => {
    await runtime?.close();
  },
};

export type OursCommands = typeof commands;

serve(commands);
