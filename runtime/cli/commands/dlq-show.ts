// `handlers dlq show`: everything kept of one failure.

import { systemClock } from "../../clock.ts";
import type { LetterDetails } from "../../dead-letters/dead-letter-box.ts";
import { type Output, printLine } from "../../terminal/terminal.ts";
import { momentText } from "../../terminal/time-text.ts";
import { visible } from "../../terminal/visible.ts";
import { readId, withLetters } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";

const MISSING: ExitCode = 1;

export async function dlqShow(
  word: string,
  { terminal, options }: Invocation<{ readonly json?: boolean }>,
): Promise<ExitCode> {
  const id = readId(word);
  return withLetters<ExitCode>(terminal, options, async ({ box }) => {
    const letter = await box.show(id);
    if (letter === undefined) {
      printLine(terminal.err, `there is no dead letter ${id}: it was redriven, removed, or never there`);
      return MISSING;
    }
    if (options.json === true) printLine(terminal.out, letterJson(letter));
    else printLetter(letter, terminal.out);
    return 0;
  });
}

function printLetter(letter: LetterDetails, out: Output): void {
  const { paint } = out;
  const { id, handler, reason, message, stack, headers } = letter;
  printLine(out, `${paint("bold", `dead letter ${id}`)} of ${paint("bold", handler)}: ${paint("red", reason)}`);
  printLine(out, visible(message));
  // A stack begins with the message it belongs to.
  if (stack !== undefined) printLine(out, paint("dim", visible(withoutMessage(stack, message))));
  printLine(out, "");
  const facts = factsOf(letter);
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) printLine(out, `${paint("dim", name.padEnd(width))}  ${value}`);
  if (headers.length > 0) {
    printLine(out, `\n${paint("bold", "headers")}`);
    for (const [name, value] of headers) printLine(out, `${paint("dim", `${visible(name)}:`)} ${visible(value)}`);
  }
  printLine(out, `\n${paint("bold", "payload")}${paint("dim", ` · ${letter.data.length} bytes${whereFrom(letter)}`)}`);
  printLine(out, payloadText(letter.data));
  printLine(out, `\n${paint("dim", `send it again: handlers dlq redrive ${id}`)}`);
}

function factsOf(letter: LetterDetails): (readonly [string, string])[] {
  const nowMs = systemClock.nowMs();
  const { stream, sequence, attempts, redriven, firstFailedAtMs, lastFailedAtMs, version, instance } = letter;
  const since = firstFailedAtMs === undefined ? "" : `, first ${momentText(firstFailedAtMs, nowMs)}`;
  const facts: (readonly [string, string | undefined])[] = [
    ["subject", letter.subject],
    ["stored in", stream === undefined ? undefined : `stream ${stream}, ${sequence}`],
    ["runs", `${attempts}${redriven === 0 ? "" : `, redriven ${redriven === 1 ? "once" : `${redriven} times`}`}`],
    ["failed", `${momentText(lastFailedAtMs, nowMs)}${since}`],
    ["version", version],
    ["replica", instance],
  ];
  return facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== "");
}

function withoutMessage(stack: string, message: string): string {
  const [first = "", ...rest] = stack.split(/\n(?=\s+at )/);
  return first.endsWith(message) && rest.length > 0 ? rest.join("\n") : stack;
}

function whereFrom({ body, gone, stream }: LetterDetails): string {
  if (gone && body === "in-stream") return `, too large to keep, and gone from stream ${stream}`;
  if (gone) return ", too large to keep in one message: lost";
  return body === "in-stream" ? `, too large to keep: read from stream ${stream}` : "";
}

/** JSON laid out, other text as it is, anything else as hexadecimal numbers. */
export function payloadText(data: Uint8Array): string {
  if (data.length === 0) return "(empty)";
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data);
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return visible(text);
    }
  } catch {
    return Buffer.from(data)
      .toString("hex")
      .replace(/(.{64})/g, "$1\n");
  }
}

/** For `--json`: stable names; the payload as JSON where it is some, else in base64. */
function letterJson({ data, headers, ...letter }: LetterDetails): string {
  return JSON.stringify({ ...letter, headers, ...payloadJson(data) }, null, 2);
}

function payloadJson(data: Uint8Array): { payload: unknown } | { payloadBase64: string } {
  const bytes = Buffer.from(data);
  try {
    return { payload: JSON.parse(bytes.toString("utf8")) };
  } catch {
    return { payloadBase64: bytes.toString("base64") };
  }
}
