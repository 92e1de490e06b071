// `handlers running`: the messages that are in handlers' hands now, on every replica, longest first.

import type { RunningAnywhere } from "../../control/client.ts";
import { allRunning } from "../../operate/cancel-running.ts";
import { handlersOf } from "../../operate/session.ts";
import { tableLines } from "../../terminal/table.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { spanText } from "../../terminal/time-text.ts";
import { countText, meantHandlers, statusOfAll, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";

export function running(
  words: readonly string[],
  { terminal, options }: Invocation<{ readonly json?: boolean }>,
): Promise<ExitCode> {
  return withControl<ExitCode>(terminal, options, async (session) => {
    const names = meantHandlers(words, handlersOf(await statusOfAll(session)));
    const found = await allRunning(session, names);
    if (options.json === true) printLine(terminal.out, JSON.stringify({ app: session.app, ...found }, null, 2));
    else print(found, terminal);
    return 0;
  });
}

function print({ running: all, unsaid }: RunningAnywhere, { out }: Terminal): void {
  if (all.length === 0) return printLine(out, "nothing runs now");
  const rows = all.map(({ handler, id, subject, attempt, ranMs, isDeferred, replica }) => [
    spanText(ranMs),
    handler,
    subject,
    [...(attempt > 1 ? [`attempt ${attempt}`] : []), ...(isDeferred === true ? ["deferred"] : [])].join(", "),
    replica.instance,
    id,
  ]);
  const title = ["FOR", "HANDLER", "SUBJECT", "", "REPLICA", "ID"];
  for (const line of tableLines([title, ...rows], out.columns)) printLine(out, line);
  if (unsaid > 0) printLine(out, `and ${countText(unsaid, "message")} more that began later`);
}
