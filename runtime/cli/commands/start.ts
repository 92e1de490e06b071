// `handlers start`: serve in production. Says what happens as JSON lines.

import type { Runtime } from "../../compose/runtime-options.ts";
import { RuntimeError } from "../../errors.ts";
import { createJsonLog } from "../../observe/log.ts";
import { thresholdOf } from "../../observe/log-level.ts";
import type { ExitCode } from "../exit-code.ts";
import { findBuild, tellBuild } from "../found-build.ts";
import { loadProject, projectRoot } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { logOutput } from "../log-output.ts";
import { serve } from "../serve.ts";

interface StartOptions {
  readonly provision?: boolean;
  readonly fromSources?: boolean;
  readonly hold?: boolean;
}

export async function start({ terminal, options }: Invocation<StartOptions>): Promise<ExitCode> {
  const { cwd, env } = terminal;
  const rootDir = projectRoot(cwd, options.cwd);
  const named = options.build ?? env.HANDLERS_BUILD;
  const build = findBuild({ named, fromSources: options.fromSources === true, cwd, rootDir });
  const loaded = await loadProject(terminal, options, "start", build);
  // The metadata in a build has been filled in already.
  const config = build === undefined ? loaded : { ...loaded, defaults: build.manifest.defaults };
  if (config.nats.servers === undefined) throw notConfigured();
  const destination = logOutput(terminal.out, (message) => emit({ type: "runtime.notice", level: "warn", message }));
  const emit = createJsonLog({
    level: thresholdOf(config.logLevel, config.logLevels),
    app: config.app,
    destination,
  });
  if (build !== undefined) await tellBuild(build, config, emit);
  const onProgress = (message: string) => emit({ type: "runtime.notice", level: "info", message });
  return serve({
    runtime: {
      config,
      mode: "start",
      emit,
      environment: terminal.env,
      onProgress,
      provision: options.provision === true,
      hold: options.hold === true,
      build,
    },
    onAsked: () => emit({ type: "runtime.notice", level: "info", message: "told to stop" }),
    onReady(runtime) {
      if (options.hold === true) emit({ type: "runtime.notice", level: "warn", message: HELD });
      if (nothingServes(runtime)) {
        emit({
          type: "runtime.notice",
          level: "error",
          message: "no handler serves; those that failed are tried again",
        });
      }
      return { close: () => undefined };
    },
  }).finally(() => destination.close());
}

const HELD = "every handler is off in this replica (start --hold) until it is enabled: `handlers enable NAME`";

/** Before the runtime makes anything. */
function notConfigured(): RuntimeError {
  return new RuntimeError("NATS_NOT_CONFIGURED", "`start` needs to know where NATS is, and no server is configured", {
    remedy:
      "Set NATS_URL, `nats.servers` in handlers.config.ts or --server. `handlers dev` brings a server of its own.",
  });
}

const IN_TROUBLE = new Set<string>(["failed", "backing-off", "quarantined"]);

function nothingServes(runtime: Runtime): boolean {
  const status = runtime.status();
  return status.length > 0 && status.every(({ state }) => IN_TROUBLE.has(state));
}
