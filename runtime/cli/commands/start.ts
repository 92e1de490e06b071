// `handlers start`: serve in production. Says what happens as JSON lines.

import { RuntimeError } from "../../errors.ts";
import { createJsonLog } from "../../observe/log.ts";
import type { Runtime } from "../../runtime.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import type { Invocation } from "../run.ts";
import { serve } from "../serve.ts";

export async function start({ terminal, options }: Invocation<{ provision?: boolean }>): Promise<ExitCode> {
  const config = await loadProject(terminal, options, "start");
  if (config.nats.servers === undefined) throw notConfigured();
  const emit = createJsonLog({ level: config.logLevel, app: config.app });
  const onProgress = (message: string) => emit({ type: "runtime.notice", level: "info", message });
  return serve({
    runtime: {
      config,
      mode: "start",
      emit,
      environment: terminal.env,
      onProgress,
      provision: options.provision === true,
    },
    onAsked: () => emit({ type: "runtime.notice", level: "info", message: "told to stop" }),
    onReady(runtime) {
      if (nothingServes(runtime)) {
        emit({
          type: "runtime.notice",
          level: "error",
          message: "no handler serves; those that failed are tried again",
        });
      }
      return { close: () => undefined };
    },
  });
}

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
