// `handlers unclaimed`: what is stored and taken by no handler: typing mistakes, and handlers still to be written.

import { systemClock } from "../../clock.ts";
import { ControlClient } from "../../control/client.ts";
import { claims } from "../../metadata/claims.ts";
import { durablesSeen, leftBehind, leftLine } from "../../operate/kept-messages.ts";
import { ownStreams } from "../../streams/own-streams.ts";
import { unclaimed } from "../../streams/unclaimed.ts";
import { tableLines } from "../../terminal/table.ts";
import { printLine } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";

export function unclaimedSubjects({ terminal, options }: Invocation<{ readonly json?: boolean }>): Promise<ExitCode> {
  const { out, err } = terminal;
  return withConnection<ExitCode>(terminal, options, async (connection, config) => {
    const { app, nats } = config;
    const streams = await ownStreams(
      connection,
      app,
      config.streams.map(({ name }) => name),
    );
    // Durable handlers are known by their consumers; what the others take only those that run them know.
    const replies = await new ControlClient(connection, app, nats.inboxPrefix, systemClock).status();
    const taken = replies.flatMap(({ handlers }) => handlers.flatMap(claims));
    const found = await unclaimed({ connection, streams, taken });
    const durables = await durablesSeen(connection, app, replies);
    const left = leftBehind({ app, durables, replies }).filter(({ waiting }) => waiting > 0);
    if (options.json === true) {
      printLine(out, JSON.stringify({ app, streams, runtimes: replies.length, unclaimed: found, left }, null, 2));
      return 0;
    }
    if (replies.length === 0)
      printLine(err, `no runtime of app "${app}" runs: what "event" handlers take is not known`);
    for (const durable of left) printLine(err, `${leftLine(durable)}; \`handlers prune\` removes what is left`);
    if (found.length === 0) {
      const where = streams.length === 0 ? "this app has no streams" : `in ${streams.join(", ")}`;
      printLine(err, streams.length === 0 ? where : `every subject stored ${where} has a handler`);
      return 0;
    }
    const rows = found.map(({ messages, subject, stream }) => [String(messages), subject, stream]);
    const [heading = "", ...lines] = tableLines([["MESSAGES", "SUBJECT", "STREAM"], ...rows], out.columns);
    printLine(out, out.paint("dim", heading));
    for (const line of lines) printLine(out, line);
    return 0;
  });
}
