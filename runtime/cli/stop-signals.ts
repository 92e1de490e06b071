// Ctrl-C and TERM: the first asks for an orderly end, the second ends at once.
//
// I1  npm and npx pass on a Ctrl-C that the terminal has delivered already: a second signal within TOGETHER_MS of the
//     first is the same press.
// I2  Before anything serves there is nothing to drain: the first signal ends at once.

import type { Clock } from "../clock.ts";

export interface StopSignals {
  /** Resolves at the first signal that asks for an orderly end. */
  readonly asked: Promise<void>;
  /** From now on there is something to drain (I2). */
  serving(): void;
  /** Stop listening: the signals have their usual effect again. */
  close(): void;
}

export interface StopSignalsOptions {
  readonly source: Pick<NodeJS.EventEmitter, "on" | "off">;
  readonly clock: Clock;
  readonly onAsked: () => void;
  /** End the process now. */
  readonly endNow: () => void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const TOGETHER_MS = 200;

export function listenForStop({ source, clock, onAsked, endNow }: StopSignalsOptions): StopSignals {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let isServing = false;
  let askedAtMs: number | undefined;
  const onSignal = () => {
    const nowMs = clock.monotonicMs();
    if (askedAtMs === undefined && isServing) {
      askedAtMs = nowMs;
      onAsked();
      resolve();
    } else if (askedAtMs === undefined || nowMs - askedAtMs > TOGETHER_MS) {
      endNow();
    }
  };
  for (const signal of SIGNALS) source.on(signal, onSignal);
  return {
    asked,
    serving() {
      isServing = true;
    },
    close() {
      for (const signal of SIGNALS) source.off(signal, onSignal);
    },
  };
}
