// What `dev` and `start` have in common: bring the runtime up, wait to be told to stop, drain.

import { systemClock } from "../clock.ts";
import type { Runtime, RuntimeOptions } from "../compose/runtime-options.ts";
import { startRuntime } from "../compose/start.ts";
import type { Emit } from "../events.ts";
import type { ExitCode } from "./exit-code.ts";
import { listenForStop } from "./stop-signals.ts";

export interface ServeOptions {
  readonly runtime: Omit<RuntimeOptions, "clock">;
  /** The first signal has come; the drain begins. */
  readonly onAsked: () => void;
  /** Everything serves or has failed. Gives what is to be closed before the drain. */
  readonly onReady: (runtime: Runtime) => { close(): void };
}

const INTERRUPTED: ExitCode = 130;
const STILL_HERE_MS = 2_000;

/** Resolves when everything has ended: 0, or 1 when something did not end in time. Rejects when nothing can run. */
export async function serve({ runtime: options, onAsked, onReady }: ServeOptions): Promise<ExitCode> {
  const clock = systemClock;
  // The reaper ends whatever this process leaves behind.
  const endNow = () => process.exit(INTERRUPTED);
  const signals = listenForStop({ source: process, clock, onAsked, endNow });
  try {
    const runtime = await startRuntime({ ...options, clock, emit: noticingService(options.emit, signals.serving) });
    signals.serving();
    const attached = onReady(runtime);
    await signals.asked;
    attached.close();
    const code = (await runtime.close()).length === 0 ? 0 : 1;
    // What would keep the process alive now is a fault of ours, and no reason to keep the user waiting.
    clock.every(STILL_HERE_MS, () => process.exit(code));
    return code;
  } finally {
    signals.close();
  }
}

function noticingService(emit: Emit, onServing: () => void): Emit {
  return (event) => {
    if (event.type === "handler.serving") onServing();
    emit(event);
  };
}
