// `handlers bisect MESSAGE`: which of the versions that are kept of a handler began to fail a message.

import { systemClock } from "../../clock.ts";
import { withKeptVersions } from "../../compose/shadow-versions.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { DeadLetterBox } from "../../dead-letters/dead-letter-box.ts";
import { RuntimeError, toRuntimeError } from "../../errors.ts";
import type { NatsConnection } from "../../nats/connection.ts";
import { type Bisected, bisect as bisectVersions, runOne } from "../../shadow/bisect.ts";
import { storedDelivery } from "../../shadow/stored-messages.ts";
import { letterDelivery } from "../../shadow/try-letters.ts";
import { copiesFor } from "../../streams/own-stream.ts";
import { tableLines } from "../../terminal/table.ts";
import { type Output, printError, printLine } from "../../terminal/terminal.ts";
import { momentText } from "../../terminal/time-text.ts";
import { visible } from "../../terminal/visible.ts";
import type { KeptVersion } from "../../versions/kept-version.ts";
import { readId } from "../dead-letter-filter.ts";
import { type ExitCode, exitCodeOf } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { keptVersionsOf } from "../kept-versions.ts";
import { withConnection } from "../nats-client.ts";
import { packageVersion } from "../package-version.ts";
import { checkOptions } from "../project-check.ts";

export interface BisectOptions {
  readonly handler?: string;
  readonly json?: boolean;
}

const NOT_FOUND: ExitCode = 1;
const COULD_NOT: ExitCode = 2;

/** 0: it is known which began; 1: the newest does not fail it, or all do; 2 and above: it could not be found out. Never rejects. */
export async function bisect(word: string, { terminal, options }: Invocation<BisectOptions>): Promise<ExitCode> {
  try {
    const asked = readMessage(word, options);
    return await withConnection<ExitCode>(terminal, options, async (connection, config) => {
      const { handler, delivery, stream } = await messageOf(asked, connection, config);
      const session = { connection, app: config.app, copies: copiesFor(config.copies, connection) };
      const kept = await keptVersionsOf(session, handler);
      if (kept.length === 0) throw noneKept(handler);
      printLine(terminal.err, EFFECTS);
      const where = "the working tree";
      const place = { ...checkOptions(terminal, config), ...session, where, runtime: packageVersion() };
      const bisected = await withKeptVersions(handler, place, (sourceOf) =>
        bisectVersions(
          kept.map(({ version }) => version),
          async (version) => {
            const found = await runOne(sourceOf(version), delivery, stream).catch((error: unknown) => {
              return { outcome: "not-run", error: toRuntimeError(error, `version ${version}`).message };
            });
            return { version, ...found };
          },
        ),
      );
      if (options.json === true)
        printLine(terminal.out, JSON.stringify({ handler, message: word, ...bisected }, null, 2));
      else printBisected(bisected, handler, kept, terminal.out);
      return bisected.began === undefined ? NOT_FOUND : 0;
    });
  } catch (error) {
    printError(terminal, error);
    const code = exitCodeOf(error);
    return code === NOT_FOUND ? COULD_NOT : code;
  }
}

type Asked =
  | { readonly letter: number }
  | { readonly stream: string; readonly sequence: number; readonly handler: string };

/** Throws USAGE. */
function readMessage(word: string, { handler }: BisectOptions): Asked {
  const [, stream, sequence] = /^(.+):(\d+)$/.exec(word) ?? [];
  if (stream === undefined) return { letter: readId(word) };
  if (handler === undefined)
    throw new RuntimeError("USAGE", `several handlers may have had message ${word}: name one with --handler`);
  return { stream, sequence: Number(sequence), handler };
}

async function messageOf(asked: Asked, connection: NatsConnection, { app }: ResolvedConfig) {
  if (!("letter" in asked)) {
    const { stream, sequence, handler } = asked;
    return { handler, stream, delivery: await storedDelivery(connection, stream, sequence) };
  }
  const letter = await new DeadLetterBox(connection, app).show(asked.letter);
  const delivery = letter === undefined ? undefined : letterDelivery(letter);
  if (letter === undefined || delivery === undefined) {
    const what =
      letter === undefined
        ? `there is no dead letter ${asked.letter}`
        : `dead letter ${asked.letter} has nothing to run`;
    throw new RuntimeError("USAGE", what, { remedy: "`handlers dlq list` shows those there are." });
  }
  return { handler: letter.handler, stream: letter.stream, delivery };
}

const EFFECTS =
  "each version runs the message once; what it does outside of NATS is done, unless it looks at ctx.shadow";

function noneKept(handler: string): RuntimeError {
  return new RuntimeError("VERSION_NOT_KEPT", `no version of handler "${handler}" is kept`, {
    handler,
    remedy: "A version is kept once it has served for a moment (`keepVersions` in handlers.config.ts).",
  });
}

function printBisected(
  { tried, began, lastGood }: Bisected,
  handler: string,
  kept: readonly KeptVersion[],
  out: Output,
): void {
  const nowMs = systemClock.nowMs();
  const rows = tried.map(({ version, outcome, error }) => {
    const { servedMs = 0 } = kept.find((one) => one.version === version) ?? {};
    return [`  ${version}`, momentText(servedMs, nowMs), outcome, visible(error.replace(/\s+/g, " "))];
  });
  for (const line of tableLines(rows, out.columns)) printLine(out, line);
  const name = out.paint("bold", handler);
  if (began !== undefined) return printLine(out, `${name}: version ${began} began to fail it; ${lastGood} does not`);
  const all =
    lastGood === undefined
      ? "every version that is kept and runs fails it"
      : `version ${lastGood}, the newest that is kept and runs, does not fail it`;
  printLine(out, `${name}: ${all}`);
}
