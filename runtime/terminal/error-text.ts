// An error as a person reads it: what happened, where, the lines of code, what to do about it.

import { describeError, formatPlace, RuntimeError } from "../errors.ts";
import type { Paint } from "./paint.ts";
import { wrap } from "./wrap.ts";

export interface ErrorRoom {
  /** Width of the window; infinite where nothing is to be wrapped. */
  readonly columns: number;
  /** Characters that the caller writes before the first line, and before each further one. */
  readonly lead?: number;
  readonly indent?: number;
  /** The handler that the caller has named already: the message need not name it again. */
  readonly named?: string;
}

/** What `describeError` tells, coloured and wrapped. Unknown errors come with their stack: they are faults of ours. */
export function errorText(error: unknown, paint: Paint, room: ErrorRoom): string {
  if (!(error instanceof RuntimeError)) return describeError(error);
  const { columns, lead = 0, indent = 0, named } = room;
  const width = columns - indent;
  const message = named === undefined ? error.message : withoutName(error.message, named);
  const where = error.place === undefined ? "" : formatPlace(error.place);
  const told = where === "" || message.includes(where);
  const head = wrap(`${error.code}: ${message}`, width, lead - indent).replace(error.code, paint("red", error.code));
  const remedy = error.remedy === undefined ? "" : paint("dim", wrap(error.remedy, width));
  return [head, told ? "" : paint("cyan", where), cutFrame(error.frame ?? "", width), remedy]
    .filter((part) => part !== "")
    .join("\n");
}

/** The message for a reader who knows already which handler it is about. */
export function withoutName(message: string, named: string): string {
  const name = `handler "${named}"`;
  if (message.startsWith(`${name} `)) return message.slice(name.length + 1);
  return message.replace(`the worker of ${name}`, "its worker");
}

/** Frames are lines of code: wrapped ones could not be read. What the caret points at stays in sight. */
function cutFrame(frame: string, width: number): string {
  const lines = frame.split("\n");
  const caret = Math.max(...lines.map((line) => (/^[\s|]*\^/.test(line) ? line.indexOf("^") : 0)));
  if (caret >= width - 1) return frame;
  return lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line)).join("\n");
}
