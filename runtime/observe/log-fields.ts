// The fields of a log line on the terminal: JSON, bounded; an error as its message and the author's part of its stack.

import type { Paint } from "../terminal/paint.ts";

const MAX_CHARS = 1_000;
const MAX_STACK_LINES = 6;

export function fieldsText(fields: Readonly<Record<string, unknown>> | undefined, paint: Paint): string {
  if (fields === undefined) return "";
  const { err, ...others } = fields;
  const json = Object.keys(others).length === 0 ? "" : paint("dim", bounded(JSON.stringify(others)));
  return [json, errText(err, paint)].filter((part) => part !== "").join(" ");
}

function bounded(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}… (${text.length} characters)` : text;
}

function errText(err: unknown, paint: Paint): string {
  if (err === undefined) return "";
  const { message, stack } = err as { message?: unknown; stack?: unknown };
  if (typeof stack !== "string" || stack === "") return bounded(String(message ?? JSON.stringify(err)));
  const lines = stack.split("\n");
  const shown = lines.filter((line) => !line.includes("node:internal")).slice(0, MAX_STACK_LINES);
  return `\n${paint("dim", shown.join("\n"))}`;
}
