// `handlers cancel ID`: ends one message that a handler runs, also one that blocks its worker. It is not run again.

import { systemClock } from "../../clock.ts";
import { RuntimeError } from "../../errors.ts";
import { cancelRunning } from "../../operate/cancel-running.ts";
import { printLine } from "../../terminal/terminal.ts";
import { spanText } from "../../terminal/time-text.ts";
import { operatorName, replicaText, statusOfAll, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";

export interface CancelOptions {
  readonly handler?: string;
  readonly json?: boolean;
}

export function cancel(id: string, { terminal, options }: Invocation<CancelOptions>): Promise<ExitCode> {
  return withControl<ExitCode>(terminal, options, async (session) => {
    await statusOfAll(session);
    const startedAtMs = systemClock.monotonicMs();
    const { handler } = options;
    const cancelled = await cancelRunning(session, { id, handler, by: operatorName(terminal.env) });
    if (cancelled === undefined)
      throw new RuntimeError("USAGE", `no handler runs a message ${JSON.stringify(id)}: it has ended, or waits`, {
        remedy: "`handlers running` shows what runs, with ids. `handlers disable` keeps what waits from running.",
      });
    const { out } = terminal;
    if (options.json === true) printLine(out, JSON.stringify({ app: session.app, ...cancelled }, null, 2));
    else {
      const tookMs = Math.round(systemClock.monotonicMs() - startedAtMs);
      const where = `on replica ${replicaText(cancelled.replica)}`;
      printLine(out, `${cancelled.handler}: cancelled after it had run ${spanText(cancelled.ranMs)}, ${where}`);
      printLine(out, `    ${id} on "${cancelled.subject}"; ended within ${tookMs} ms, and is not run again`);
    }
    return 0;
  });
}
