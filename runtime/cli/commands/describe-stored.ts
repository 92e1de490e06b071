// `handlers describe --stored COUNT`: which of the last stored messages the handlers of the working tree would refuse.

import { systemClock } from "../../clock.ts";
import { withPlaces } from "../../compose/shadow-versions.ts";
import { type ErrorCode, RuntimeError } from "../../errors.ts";
import type { ResolvedMetadata } from "../../metadata/handler-metadata.ts";
import { messagesOf } from "../../shadow/messages-of.ts";
import { type Refusals, refusalsOf } from "../../shadow/refusals.ts";
import { tableLines } from "../../terminal/table.ts";
import { type Output, printLine, type Terminal } from "../../terminal/terminal.ts";
import { visible } from "../../terminal/visible.ts";
import { countText } from "../control-session.ts";
import { readCount } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";
import { checkOptions } from "../project-check.ts";
import { workingTree } from "../version-place.ts";

export interface StoredOptions {
  readonly stored: string;
  readonly json?: boolean;
}

interface Looked extends Refusals {
  readonly handler: string;
}

const NOT_KEPT: ReadonlySet<ErrorCode> = new Set(["STREAM_MISSING", "STREAM_REFUSED"]);
const SHOWN = 10;
const REFUSED: ExitCode = 1;

/** 0: none would be refused; 1: some would. */
export async function describeStored({ terminal, options }: Invocation<StoredOptions>): Promise<ExitCode> {
  const last = readCount("--stored", options.stored);
  return withConnection<ExitCode>(terminal, options, async (connection, config) => {
    const { app, streams } = config;
    const declared = streams.map(({ name }) => name);
    const about = { connection, app, declared, begin: { last }, limit: last, clock: systemClock };
    const tree = { ...checkOptions(terminal, config), ...workingTree(config), connection };
    const looked = await withPlaces([tree], async ([place]) => {
      const all: Looked[] = [];
      for (const handler of place!.names) {
        const messages = async (metadata: ResolvedMetadata) =>
          metadata.kind === "request"
            ? undefined
            : messagesOf({ ...about, handler, metadata }).catch(unlessKept(metadata, handler, terminal));
        const refusals = await refusalsOf(place!.sourceOf(handler), messages);
        if (refusals !== undefined) all.push({ handler, ...refusals });
      }
      return all;
    });
    if (options.json === true) printLine(terminal.out, JSON.stringify({ handlers: looked }, null, 2));
    else for (const one of looked) printLooked(one, terminal.out);
    if (looked.length === 0) printLine(terminal.err, "no stream keeps what these handlers take");
    return looked.every(({ refused }) => refused === 0) ? 0 : REFUSED;
  });
}

/**
 * A durable handler without a stream is a mistake; what an `event` handler takes may be nobody's to keep, or only in part. One
 * that takes from several streams cannot be read yet.
 */
function unlessKept({ kind }: ResolvedMetadata, handler: string, { err }: Terminal) {
  return (error: unknown): undefined => {
    if (!(error instanceof RuntimeError)) throw error;
    const isPassedOver = error.code === "USAGE" || (kind === "event" && NOT_KEPT.has(error.code));
    if (!isPassedOver) throw error;
    printLine(err, err.paint("dim", `${handler} is passed over: ${error.message}`));
  };
}

function printLooked({ handler, stream, messages, refused, examples }: Looked, out: Output): void {
  const { paint } = out;
  const of = `${countText(messages, "stored message")} in ${stream}`;
  if (refused === 0)
    return printLine(out, `${paint("green", "✓")} ${paint("bold", handler)}: none of ${of} would be refused`);
  printLine(out, `${paint("red", "✗")} ${paint("bold", handler)}: ${refused} of ${of} would be refused`);
  const rows = examples.slice(0, SHOWN).map(({ sequence, error }) => [`  ${sequence}`, visible(error)]);
  for (const line of tableLines(rows, out.columns)) printLine(out, line);
  if (refused > SHOWN) printLine(out, paint("dim", `  and ${refused - SHOWN} more`));
}
