// How loud the log is: one level for everything, and others for the handlers that are named.

import { LOG_LEVELS, type LogLevel } from "../events.ts";
import { oneOf, problem, type Read, type Reader, text } from "../metadata/options.ts";
import { commaList } from "./comma-list.ts";

/** A name or glob of handlers, and the least level wanted of them. */
export interface HandlerLevel {
  readonly pattern: string;
  readonly level: LogLevel;
}

export interface SpokenLevels {
  readonly level: LogLevel | undefined;
  readonly byHandler: readonly HandlerLevel[];
}

export const logLevel = oneOf<LogLevel>(...LOG_LEVELS);
export const pattern = text('must be the name of a handler or a glob, such as "todo/*"', /^[^\s,]+$/);

/** From words such as `warn,todo/*=debug`. */
export const spokenLevels: Reader<SpokenLevels> = (raw) => {
  const words = commaList((list) => ({ value: list as readonly string[] }))(raw);
  if ("problem" in words) return words;
  const byHandler: HandlerLevel[] = [];
  let level: LogLevel | undefined;
  for (const word of words.value) {
    const [, name, wanted = word] = /^(.*)=(.*)$/.exec(word) ?? [];
    const read = name === undefined ? logLevel(wanted) : handlerLevel(name, wanted);
    if ("problem" in read) return read;
    if (typeof read.value === "string") level = read.value;
    else byHandler.push(read.value);
  }
  return { value: { level, byHandler } };
};

/** From an object such as `{ "todo/*": "debug" }`. */
export const levelsByHandler: Reader<readonly HandlerLevel[]> = (raw) => {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return problem('must be levels by names or globs of handlers, such as { "todo/*": "debug" }', raw);
  }
  const levels: HandlerLevel[] = [];
  for (const [name, wanted] of Object.entries(raw)) {
    const read = handlerLevel(name, wanted);
    if ("problem" in read) return read;
    levels.push(read.value);
  }
  return { value: levels };
};

function handlerLevel(name: string, wanted: unknown): Read<HandlerLevel> {
  const [named, level] = [pattern(name), logLevel(wanted)];
  if ("problem" in named) return named;
  return "problem" in level
    ? { problem: `${level.problem} (of ${JSON.stringify(name)})` }
    : { value: { pattern: named.value, level: level.value } };
}
