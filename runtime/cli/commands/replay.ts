// `handlers replay NAME`: stored messages again, to this one handler.

import { randomUUID } from "node:crypto";
import { constants, setPriority } from "node:os";
import { systemClock } from "../../clock.ts";
import type { ControlClient } from "../../control/client.ts";
import { RuntimeError } from "../../errors.ts";
import { managerOf } from "../../nats/jetstream.ts";
import { jetStreamError } from "../../nats/jetstream-errors.ts";
import { handlersOf, isOffIn, type OperatorSession } from "../../operate/session.ts";
import { type ReplayEnd, type ReplayResult, replay } from "../../replay/replay.ts";
import { planReplay, type ReplaySpan } from "../../replay/replay-plan.ts";
import { type StoredIn, storedIn } from "../../streams/stored-messages.ts";
import { StatusLine } from "../../terminal/status-line.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { countText, withControl } from "../control-session.ts";
import { readCount } from "../dead-letter-filter.ts";
import { durationText } from "../duration-text.ts";
import type { ExitCode } from "../exit-code.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Invocation } from "../invocation.ts";
import { type Replayable, replayable } from "../replayable.ts";
import { readPoint } from "../time-options.ts";

export interface ReplayCommandOptions {
  readonly from: string;
  readonly to?: string;
  readonly limit?: string;
  readonly rate?: string;
  readonly again?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface Wanted extends ReplaySpan {
  readonly limit: number;
  readonly rate: number | undefined;
  readonly again: string | undefined;
}

const INTERRUPTED: ExitCode = 130;

export function replayStored(word: string, { terminal, options }: Invocation<ReplayCommandOptions>): Promise<ExitCode> {
  const wanted = readWanted(options);
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL); // What serves on the same machine comes first.
  return withControl<ExitCode>(terminal, options, async (session) => {
    const handler = await replayable(word, session);
    const jsm = await managerOf(session.connection, { domain: handler.domain });
    const plan = await asked(session, () =>
      planReplay({ jsm, app: session.app, handler: handler.name }, handler.durables, wanted),
    );
    const messages = storedIn(plan.ranges);
    const ended =
      options.dryRun === true
        ? await asked(session, () => countOnly(handler, messages, wanted, options, terminal))
        : await asked(session, () => send(handler, messages, wanted, options, session, terminal));
    if (plan.othersCome && wanted.to === undefined && options.json !== true)
      printLine(terminal.err, `messages that ${handler.name} has not had yet come to it by themselves`);
    return ended;
  });
}

/** Throws USAGE. */
function readWanted({ from, to, limit, rate, again }: ReplayCommandOptions): Wanted {
  const nowMs = systemClock.nowMs();
  return {
    from: readPoint("--from", from, nowMs),
    to: to === undefined ? undefined : readPoint("--to", to, nowMs),
    limit: limit === undefined ? Number.POSITIVE_INFINITY : readCount("--limit", limit),
    rate: rate === undefined ? undefined : readCount("--rate", rate),
    again: again === true ? randomUUID() : undefined,
  };
}

async function countOnly(
  { name }: Replayable,
  messages: AsyncIterable<StoredIn>,
  { limit }: Wanted,
  { from, json }: ReplayCommandOptions,
  { out, err }: Terminal,
): Promise<ExitCode> {
  const line = new StatusLine(err);
  const { signal } = untilInterrupted();
  let count = 0;
  for await (const _ of messages) {
    if (signal.aborted || count >= limit) break;
    if (++count % 1_000 === 0) line.show(`${count} so far`);
  }
  line.end();
  if (signal.aborted) return INTERRUPTED;
  if (json === true) printLine(out, JSON.stringify({ handler: name, wouldSend: count }));
  else
    printLine(
      out,
      count === 0 ? noneText(name, from) : `${countText(count, "message")} would be sent to ${name} again`,
    );
  return 0;
}

async function send(
  handler: Replayable,
  messages: AsyncIterable<StoredIn>,
  { limit, rate, again }: Wanted,
  options: ReplayCommandOptions,
  { connection, app, client, copies }: OperatorSession,
  terminal: Terminal,
): Promise<ExitCode> {
  const { err } = terminal;
  const { name, domain, oneAtATime } = handler;
  const { signal } = untilInterrupted();
  if (handler.isOff) printLine(err, `${err.paint("yellow", "!")} ${name} is disabled: they wait until it is enabled`);
  const line = new StatusLine(err);
  let soFar = 0;
  try {
    const end = await replay(messages, {
      ...{ connection, app, handler: name, domain, copies, oneAtATime, limit, rate, again },
      clock: systemClock,
      signal,
      onProgress: (result) => {
        soFar = result.sent;
        line.show(progressText(result));
      },
      onStall: (waiting) => {
        void stallText(handler, waiting, client).then((text) => {
          line.end();
          printLine(err, `${err.paint("yellow", "!")} ${text}`);
        });
      },
    });
    line.end();
    if (options.json === true) tellJson(name, end, signal.aborted, terminal);
    else tell(name, end, signal.aborted, options, terminal);
    if (signal.aborted) return INTERRUPTED;
    return end.tooLarge === 0 ? 0 : 1;
  } catch (error) {
    line.end();
    if (soFar > 0) printLine(err, `${countText(soFar, "message")} sent again before it failed`);
    throw error;
  }
}

function progressText({ sent, before, last }: ReplayResult): string {
  const skipped = before === 0 ? "" : `, ${before} as before`;
  return last === undefined ? "" : `${sent} sent${skipped}, up to ${new Date(last.atMs).toISOString()}`;
}

/** Why nothing goes on. Never rejects. */
async function stallText({ name }: Replayable, waiting: number, client: ControlClient): Promise<string> {
  const replies = await client.status().catch(() => undefined);
  const messages = `${countText(waiting, "message")} on the way to it`;
  if (replies !== undefined && !handlersOf(replies).has(name))
    return `no replica has ${name} now: the replay goes on when one does`;
  if (replies !== undefined && isOffIn(name, replies))
    return `${name} is disabled: the replay goes on when it is enabled`;
  return `${name} has not been done with any of ${messages} for a while: it goes on when it is (\`handlers inspect ${name}\`)`;
}

function tellJson(handler: string, end: ReplayEnd, interrupted: boolean, { out }: Terminal): void {
  const { sent, before, tooLarge, waiting, last } = end;
  printLine(out, JSON.stringify({ handler, sent, before, tooLarge, waiting, last: last ?? null, interrupted }));
}

function tell(
  name: string,
  { sent, before, tooLarge, waiting, rememberedMs, last }: ReplayEnd,
  interrupted: boolean,
  { from }: ReplayCommandOptions,
  { out, err }: Terminal,
): void {
  if (last === undefined && !interrupted) return printLine(out, noneText(name, from));
  printLine(out, `${countText(sent, "message")} sent to ${name} again`);
  if (before > 0) {
    const when = `within the last ${durationText(rememberedMs)}`;
    printLine(err, `${before} had been sent by a replay ${when}, and are not sent twice (--again does)`);
  }
  if (tooLarge > 0)
    printLine(err, `${tooLarge} could not be sent: with our headers they are larger than the server takes`);
  if (waiting > 0) printLine(err, `${countText(waiting, "message")} on the way to it, to be run in turn`);
  if (!interrupted) return;
  const where = last === undefined ? "" : ` after number ${last.seq} of stream ${last.stream}`;
  printLine(err, `interrupted${where}: the same command goes on where it was`);
}

function noneText(name: string, from: string): string {
  return `nothing is stored from ${from} on that ${name} has had; a work queue keeps no message that was handled`;
}

/** The client's errors, in words. */
async function asked<T>({ connection }: OperatorSession, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing: "the messages could not be replayed" });
  }
}
