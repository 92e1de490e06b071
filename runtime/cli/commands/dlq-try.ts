// `handlers dlq try`: dead letters through the handler of the working tree, before anything is sent again.

import { resolve } from "node:path";
import { systemClock } from "../../clock.ts";
import { withVersions } from "../../compose/shadow-versions.ts";
import type { LetterSummary } from "../../dead-letters/dead-letter-box.ts";
import { type TriedLetter, tryLetters } from "../../shadow/try-letters.ts";
import { Progress } from "../../terminal/progress.ts";
import { tableLines } from "../../terminal/table.ts";
import { type Output, printLine, type Terminal } from "../../terminal/terminal.ts";
import { momentText } from "../../terminal/time-text.ts";
import { visible } from "../../terminal/visible.ts";
import { countText } from "../control-session.ts";
import { type LetterDesk, noneText, type QueryOptions, readQuery, withLetters } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { checkOptions } from "../project-check.ts";
import { buildIn, workingTree } from "../version-place.ts";
import { lettersMeant, readWanted, redriveAll, warnOfAbsent } from "./dlq-redrive.ts";

export interface DlqTryOptions extends QueryOptions {
  readonly build?: string;
  readonly redrive?: boolean;
  readonly json?: boolean;
}

/** Of one handler. */
interface Tried {
  readonly handler: string;
  readonly letters: readonly TriedLetter[];
}

const NOT_ALL: ExitCode = 1;
const INTERRUPTED: ExitCode = 130;

/** 0: all would pass; 1: some would not, or there are none of these numbers. */
export async function dlqTry(
  words: readonly string[],
  { terminal, options }: Invocation<DlqTryOptions>,
): Promise<ExitCode> {
  const wanted = readWanted(words, options);
  return withLetters<ExitCode>(terminal, options, async (desk) => {
    const letters = await lettersMeant(wanted, options, desk);
    const gone = "ids" in wanted ? wanted.ids.filter((id) => !letters.some((letter) => letter.id === id)) : [];
    for (const id of gone) printLine(terminal.err, `there is no dead letter ${id}`);
    if (letters.length === 0) {
      if (gone.length === 0) printLine(terminal.err, await noneText(desk.box, readQuery(options)));
      return gone.length === 0 ? 0 : NOT_ALL;
    }
    const tried = await tryAll(letters, desk, { terminal, options });
    const passing = new Set(tried.flatMap((one) => one.letters.filter(({ passes }) => passes).map(({ id }) => id)));
    if (options.json !== true) for (const one of tried) printTried(one, letters, terminal.out);
    const ended = await redrivePassing(
      letters.filter(({ id }) => passing.has(id)),
      desk,
      terminal,
      options,
    );
    if (options.json === true)
      printLine(terminal.out, JSON.stringify({ tried, redriven: ended?.redriven ?? 0 }, null, 2));
    if (ended?.interrupted === true) return INTERRUPTED;
    return gone.length === 0 && passing.size === letters.length ? 0 : NOT_ALL;
  });
}

async function tryAll(
  letters: readonly LetterSummary[],
  { connection, config, box }: LetterDesk,
  { terminal, options }: Invocation<DlqTryOptions>,
): Promise<Tried[]> {
  const { build } = options;
  const place =
    build === undefined ? workingTree(config) : await buildIn(resolve(terminal.cwd, build), config, terminal, options);
  const places = [{ ...checkOptions(terminal, place.config), ...place, connection }];
  printLine(terminal.err, EFFECTS);
  const tried: Tried[] = [];
  for (const [handler, some] of Map.groupBy(letters.toReversed(), (letter) => letter.handler)) {
    const progress = new Progress(terminal.err, some.length);
    const found = await withVersions(handler, places, ([source]) => {
      const onProgress = (done: number) => progress.update(done);
      return tryLetters({ source: source!, letters: some, read: (id) => box.show(id), onProgress });
    }).finally(() => progress.end());
    tried.push({ handler, letters: found });
  }
  return tried;
}

const EFFECTS = "what the handler does outside of NATS is done, unless it looks at ctx.shadow";

function printTried({ handler, letters }: Tried, all: readonly LetterSummary[], out: Output): void {
  const nowMs = systemClock.nowMs();
  const failing = letters.filter(({ passes }) => !passes);
  const passing = letters.length - failing.length;
  const mark = failing.length === 0 ? out.paint("green", "✓") : out.paint("red", "✗");
  const count = `${passing} of ${countText(letters.length, "dead letter")} would pass now`;
  printLine(out, `${mark} ${out.paint("bold", handler)}: ${count}`);
  const rows = failing.map(({ id, outcome, error }) => {
    const { lastFailedAtMs } = all.find((letter) => letter.id === id)!;
    return [`  ${id}`, momentText(lastFailedAtMs, nowMs), outcome, visible(error.replace(/\s+/g, " "))];
  });
  for (const line of tableLines(rows, out.columns)) printLine(out, line);
}

async function redrivePassing(
  passing: readonly LetterSummary[],
  desk: LetterDesk,
  terminal: Terminal,
  { redrive, json }: DlqTryOptions,
) {
  if (redrive !== true || passing.length === 0) return undefined;
  await warnOfAbsent(passing, desk, terminal);
  const ended = await redriveAll(passing, undefined, desk, terminal);
  if (json !== true) printLine(terminal.out, `${countText(ended.redriven, "dead letter")} sent again`);
  return ended;
}
