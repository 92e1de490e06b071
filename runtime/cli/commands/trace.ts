// `handlers trace SUBJECT`: who would get a message to it now. Nothing is delivered, nothing stored.

import { systemClock } from "../../clock.ts";
import { ControlClient } from "../../control/client.ts";
import { traceMessage } from "../../operate/message-trace.ts";
import { type StreamTakers, type Taker, takersOf } from "../../operate/takers.ts";
import { type Output, printLine } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { checkSubject } from "../message-input.ts";
import { withConnection } from "../nats-client.ts";

const NOBODY: ExitCode = 4;
const UNNAMED = "a client without a name";

/** 0: somebody would get it; 4: nobody. */
export function traceSubject(
  subject: string,
  { terminal, options }: Invocation<{ readonly json?: boolean }>,
): Promise<ExitCode> {
  checkSubject(subject);
  const { out, err } = terminal;
  return withConnection<ExitCode>(terminal, options, async (connection, { app, nats: { inboxPrefix } }) => {
    const trace = await traceMessage(subject, { connection, inboxPrefix });
    const replies = await new ControlClient(connection, app, inboxPrefix, systemClock).status().catch(() => []);
    const { listeners, streams } = await takersOf({ connection, app, subject, replies, trace });
    const { problems } = trace;
    if (options.json === true) {
      printLine(out, JSON.stringify({ subject, listeners, streams, problems }, null, 2));
    } else {
      for (const line of streams.flatMap((stream) => streamLines(stream, app, out))) printLine(out, line);
      for (const taker of listeners) printLine(out, takerText(taker, app, out));
      for (const problem of problems) printLine(err, `${err.paint("yellow", "!")} ${problem}`);
    }
    const isTaken = listeners.length + streams.length > 0;
    if (!isTaken && options.json !== true) printLine(err, `nobody would get a message to "${subject}" now`);
    return isTaken ? 0 : NOBODY;
  });
}

function streamLines({ stream, takers }: StreamTakers, app: string, out: Output): string[] {
  const first = `stream ${stream} stores it`;
  if (takers === undefined) return [`${first}; its consumers could not be listed`];
  return [first, ...takers.map((taker) => `  ${takerText(taker, app, out)}`)];
}

function takerText({ handler, app: owner, name, via, subject, isOff }: Taker, app: string, { paint }: Output): string {
  const foreign = owner === undefined || owner === app ? "" : ` of app ${owner}`;
  const how = paint("dim", `· ${via}${handler === undefined ? "" : ` ${name}`}, ${subject}`);
  return `${handler ?? (name || UNNAMED)}${foreign} ${how}${isOff ? paint("yellow", " · disabled: it waits") : ""}`;
}
