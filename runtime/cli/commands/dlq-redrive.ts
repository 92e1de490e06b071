// `handlers dlq redrive`: send dead letters again, each to the one handler that failed it.

import { systemClock } from "../../clock.ts";
import { ControlClient } from "../../control/client.ts";
import type { LetterSummary } from "../../dead-letters/dead-letter-box.ts";
import { type RedriveResult, redrive } from "../../dead-letters/redrive.ts";
import { RuntimeError } from "../../errors.ts";
import { handlersOf } from "../../operate/session.ts";
import { copiesFor } from "../../streams/own-stream.ts";
import { Progress } from "../../terminal/progress.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { countText } from "../control-session.ts";
import {
  type LetterDesk,
  noneText,
  type QueryOptions,
  readCount,
  readId,
  readQuery,
  withLetters,
} from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Invocation } from "../invocation.ts";
import { printLetters } from "./dlq-list.ts";

export interface DlqRedriveOptions extends QueryOptions {
  readonly rate?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const INTERRUPTED: ExitCode = 130;

export async function dlqRedrive(
  words: readonly string[],
  { terminal, options }: Invocation<DlqRedriveOptions>,
): Promise<ExitCode> {
  const wanted = readWanted(words, options);
  const rate = options.rate === undefined ? undefined : readCount("--rate", options.rate);
  return withLetters<ExitCode>(terminal, options, async (desk) => {
    const letters = await lettersMeant(wanted, options, desk);
    const gone = "ids" in wanted ? wanted.ids.filter((id) => !letters.some((letter) => letter.id === id)) : [];
    if (options.dryRun === true) return tellOnly(letters, gone, options, terminal);
    for (const id of gone) printLine(terminal.err, `there is no dead letter ${id}`);
    if (letters.length === 0) {
      if (gone.length === 0) printLine(terminal.err, await noneText(desk.box, readQuery(options)));
      return gone.length === 0 ? 0 : 1;
    }
    await warnOfAbsent(letters, desk, terminal);
    const ended = await redriveAll(letters, rate, desk, terminal);
    tell(ended, letters.length, options, terminal);
    if (ended.interrupted) return INTERRUPTED;
    return gone.length === 0 ? 0 : 1;
  });
}

export type Wanted = { readonly ids: readonly number[] } | { readonly query: QueryOptions };

/** Throws USAGE: everything at once is never meant by leaving out what is meant. */
export function readWanted(words: readonly string[], options: QueryOptions): Wanted {
  const { handler } = options;
  if (words.length > 0 && handler !== undefined)
    throw new RuntimeError("USAGE", "name dead letters by their numbers, or a handler, but not both");
  if (words.length > 0) return { ids: words.map(readId) };
  readQuery(options);
  if (handler !== undefined) return { query: options };
  throw new RuntimeError("USAGE", "say which dead letters to send again: their numbers, or --handler NAME", {
    remedy: "`handlers dlq list` shows them.",
  });
}

export async function lettersMeant(
  wanted: Wanted,
  options: QueryOptions,
  { box }: LetterDesk,
): Promise<LetterSummary[]> {
  if ("query" in wanted) return box.list(readQuery(options));
  const shown = await Promise.all([...new Set(wanted.ids)].map((id) => box.show(id)));
  return shown.filter((letter) => letter !== undefined);
}

function tellOnly(
  letters: readonly LetterSummary[],
  gone: readonly number[],
  { json }: DlqRedriveOptions,
  { out, err }: Terminal,
): ExitCode {
  const ids = letters.map(({ id }) => id);
  if (json === true) {
    printLine(out, JSON.stringify({ wouldRedrive: ids, missing: gone }));
    return gone.length === 0 ? 0 : 1;
  }
  if (letters.length > 0) printLetters(letters, out);
  for (const id of gone) printLine(err, `there is no dead letter ${id}`);
  printLine(err, `${countText(letters.length, "dead letter")} would be sent again`);
  return gone.length === 0 ? 0 : 1;
}

/** They wait for their handler, but somebody who runs nothing wants to know. */
export async function warnOfAbsent(
  letters: readonly LetterSummary[],
  { connection, config }: LetterDesk,
  { err }: Terminal,
): Promise<void> {
  const client = new ControlClient(connection, config.app, config.nats.inboxPrefix, systemClock);
  const known = handlersOf(await client.status().catch(() => []));
  const waiting = letters.filter(({ returnTo }) => returnTo === undefined);
  const absent = [...new Set(waiting.map(({ handler }) => handler))].filter((handler) => !known.has(handler));
  for (const handler of absent) {
    printLine(err, `${err.paint("yellow", "!")} no replica has ${handler} now: its messages wait until one does`);
  }
}

export interface Ended extends RedriveResult {
  readonly interrupted: boolean;
}

export async function redriveAll(
  letters: readonly LetterSummary[],
  rate: number | undefined,
  { connection, config, box }: LetterDesk,
  { err }: Terminal,
): Promise<Ended> {
  const { signal } = untilInterrupted();
  const progress = new Progress(err, letters.length);
  const ids = letters.map(({ id }) => id);
  let done = 0;
  const onProgress = (count: number) => {
    done = count;
    progress.update(count);
  };
  progress.update(0);
  try {
    const result = await redrive(ids, {
      connection,
      app: config.app,
      box,
      clock: systemClock,
      copies: copiesFor(config.copies, connection),
      rate,
      onProgress,
      signal,
    });
    return { ...result, interrupted: signal.aborted && result.redriven + result.missing < letters.length };
  } catch (error) {
    if (done > 0) printLine(err, `${done} of ${letters.length} were sent again before it failed; the rest are kept`);
    throw error;
  } finally {
    progress.end();
  }
}

function tell(
  { redriven, missing, interrupted }: Ended,
  total: number,
  { json }: DlqRedriveOptions,
  { out, err }: Terminal,
): void {
  if (json === true) {
    printLine(out, JSON.stringify({ redriven, missing, left: total - redriven - missing, interrupted }));
    return;
  }
  printLine(out, `${countText(redriven, "dead letter")} sent again`);
  if (missing > 0) printLine(err, `${missing} were gone meanwhile`);
  if (interrupted) printLine(err, `interrupted: ${total - redriven - missing} are still dead letters`);
}
