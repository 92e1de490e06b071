// The live log of `dev`, 80 columns wide, for the person who writes handlers: the pieces that its lines are made of.
//
// Each event is one line; errors bring their place, frame and remedy on lines of their own, indented.

import type { RuntimeError } from "../errors.ts";
import type { LogLevel } from "../events.ts";
import { errorText } from "../terminal/error-text.ts";
import type { Paint, Style } from "../terminal/paint.ts";

export interface LiveView {
  readonly paint: Paint;
  readonly columns: number;
  /** Width of the column of handler names. */
  readonly nameWidth: number;
}

export const INDENT = "    ";

export const LEVEL_STYLES: Readonly<Partial<Record<LogLevel, Style>>> = {
  trace: "dim",
  debug: "dim",
  warn: "yellow",
  error: "red",
  fatal: "red",
};

const MARK_STYLES = { "✓": "green", "+": "green", "-": "yellow", "!": "yellow", "✗": "red" } as const satisfies Record<
  string,
  Style
>;

type Mark = keyof typeof MARK_STYLES;

/** A line about a handler that begins with a sign. */
export function markedLine(mark: Mark, handler: string, text: string, view: LiveView): string {
  return `${view.paint(MARK_STYLES[mark], mark)} ${name(handler, view)}  ${text}`;
}

/** A line about a handler that nobody needs to read. */
export function dimLine(handler: string, text: string, view: LiveView): string {
  return view.paint("dim", `· ${name(handler, view)}  ${text}`);
}

interface ErrorLines {
  /** Empty: what is wrong concerns no handler in particular, and comes without a name. */
  readonly handler: string;
  readonly error: RuntimeError;
  readonly view: LiveView;
  /** Lines below the error's own. */
  readonly rest?: string;
  readonly mark?: "✗" | "!";
}

/** An error with all it has to say. */
export function errorLines({ handler, error, view, rest = "", mark = "✗" }: ErrorLines): string {
  const { paint, columns } = view;
  const who = handler === "" ? "" : `${paint("bold", handler)}  `;
  const lead = 2 + (handler === "" ? 0 : handler.length + 2);
  const text = errorText(error, paint, { columns, lead, indent: INDENT.length, named: handler });
  return `${paint(MARK_STYLES[mark], mark)} ${who}${indented(rest === "" ? text : `${text}\n${rest}`)}`;
}

/** The level as a word; nothing for those that need none. */
export function levelTag(level: LogLevel, paint: Paint): string {
  const style = LEVEL_STYLES[level];
  return style === undefined ? "" : `${paint(style, level.toUpperCase())} `;
}

/** Between the name of a handler and what it wrote itself. */
export function bar(style: Style, paint: Paint): string {
  return paint(style, "│");
}

/** The name of a handler in its column. */
export function name(handler: string, { nameWidth }: LiveView): string {
  return handler.padEnd(nameWidth);
}

function indented(text: string): string {
  return text.replaceAll("\n", `\n${INDENT}`);
}

/** Enough of a version to tell it from its neighbours. */
export function short(version: string): string {
  return version.slice(0, 8);
}

/** How many handlers. */
export function handlers(count: number): string {
  return count === 1 ? "1 handler" : `${count} handlers`;
}

/** How many messages. */
export function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

/** A duration of any length. */
export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(1))} s`;
}
