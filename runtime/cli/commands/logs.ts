// `handlers logs`: what the runtimes tell of their handlers, of all replicas together.

import type { LogLine } from "../../control/control-protocol.ts";
import { isGlob } from "../../control/handler-names.ts";
import { RuntimeError } from "../../errors.ts";
import { handlersOf } from "../../operate/session.ts";
import { printLine } from "../../terminal/terminal.ts";
import { meantHandlers, statusOfAll, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Invocation } from "../invocation.ts";
import { logLineText } from "../log-line.ts";

export interface LogsOptions {
  readonly follow?: boolean;
  readonly last: string;
  readonly json?: boolean;
}

const MOST_LINES = 500;

export async function logs(
  words: readonly string[],
  { terminal, options }: Invocation<LogsOptions>,
): Promise<ExitCode> {
  const { out } = terminal;
  const last = readCount(options.last);
  const { logLevel } = await loadProject(terminal, options, "dev");
  return withControl<ExitCode>(terminal, options, async (session) => {
    const known = handlersOf(await statusOfAll(session));
    meantHandlers(words, known);
    // Globs go on as they are: they hold for handlers that are still to come.
    const names = words.filter((word) => known.has(word) || isGlob(word));
    const nameWidth = Math.max(0, ...[...known].map(({ length }) => length));
    const { signal } = untilInterrupted();
    const text = (line: LogLine) =>
      options.json === true
        ? JSON.stringify(line)
        : logLineText(line, { nameWidth, paint: out.paint, columns: out.columns });
    const request = { names, last, level: logLevel };
    for await (const line of session.client.logs(request, options.follow === true, signal)) printLine(out, text(line));
    return 0;
  });
}

function readCount(word: string): number {
  const count = Number(word);
  if (/^\d+$/.test(word) && count <= MOST_LINES) return count;
  throw new RuntimeError("USAGE", `--last needs a number from 0 to ${MOST_LINES}; received ${JSON.stringify(word)}`);
}
