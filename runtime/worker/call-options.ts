// What the options of `publish` and `request` say. One that does not exist is refused: passed over, it would be missed.

import { parseDuration } from "../../sdk/duration.ts";
import { LONGEST_LATER_MS } from "../../sdk/later-place.ts";
import { ttlValue } from "../../sdk/message-ttl.ts";
import type { PayloadFormat } from "../../sdk/payload.ts";
import type { Later } from "../message/handler-call.ts";
import type { Envelope } from "../metadata/handler-metadata.ts";
import { didYouMean } from "../metadata/nearest.ts";
import { preview } from "../wire/serialize-error.ts";

export type HeadersInput = Readonly<Record<string, string | readonly string[]>>;

export interface SendOptions {
  readonly headers?: HeadersInput | undefined;
  readonly timeout?: string | undefined;
  readonly envelope?: Envelope | undefined;
}

export interface PublishOptions extends SendOptions {
  readonly delay?: string | undefined;
  readonly at?: Date | undefined;
  readonly ttl?: string | undefined;
}

export interface RequestOptions extends SendOptions {
  readonly payload?: PayloadFormat | undefined;
}

const PUBLISH_OPTIONS = ["headers", "timeout", "envelope", "delay", "at", "ttl"] as const;
export const REQUEST_OPTIONS = ["headers", "timeout", "envelope", "payload"] as const;

/** When what is published leaves, and for how long its stream keeps it. */
export interface PublishTimes {
  /** Undefined: at once. */
  readonly later: Later | undefined;
  /** As its header says it; undefined: as long as the stream keeps messages. */
  readonly ttl: string | undefined;
}

export const AT_ONCE: PublishTimes = { later: undefined, ttl: undefined };

/** Throws UNKNOWN_OPTION and INVALID_OPTION. */
export function readPublishOptions(options: PublishOptions, nowMs: number): PublishTimes {
  checkOptions(options, PUBLISH_OPTIONS, "publish");
  readEnvelope(options);
  return { later: laterOf(options, nowMs), ttl: ttlOf(options) };
}

/** Throws UNKNOWN_OPTION and INVALID_OPTION. */
export function readRequestOptions(options: RequestOptions): Envelope {
  checkOptions(options, REQUEST_OPTIONS, "request");
  return readEnvelope(options);
}

/** Throws UNKNOWN_OPTION, a TypeError with that code, for one that is not among the known. */
export function checkOptions(
  options: object,
  known: readonly string[],
  method: "publish" | "request" | "kv" | "objects" | "defer" | "schedule",
): void {
  if (typeof options !== "object" || options === null)
    throw optionError("INVALID_OPTION", `the options of ctx.${method} must be an object, but are ${preview(options)}`);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known);
  const message = `ctx.${method} has no option ${JSON.stringify(unknown)}.${hint} It has: ${known.join(", ")}`;
  throw optionError("UNKNOWN_OPTION", message);
}

/** Throws INVALID_OPTION. */
export function readEnvelope({ envelope, payload = "json" }: SendOptions & Pick<RequestOptions, "payload">): Envelope {
  if (envelope === undefined || envelope === "none") return "none";
  if (envelope !== "nest")
    throw optionError("INVALID_OPTION", `envelope must be "none" or "nest", but is ${preview(envelope)}`);
  if (payload === "json") return envelope;
  throw optionError("INVALID_OPTION", 'envelope cannot be "nest" beside `payload`: packets of Nest are JSON');
}

/** Undefined: at once. Throws INVALID_OPTION. */
function laterOf({ delay, at }: PublishOptions, nowMs: number): Later | undefined {
  if (delay !== undefined && at !== undefined)
    throw optionError("INVALID_OPTION", "`delay` and `at` exclude each other: say one of them");
  if (delay !== undefined) return laterByDelay(delay);
  return at === undefined ? undefined : laterByTime(at, nowMs);
}

/** Throws INVALID_OPTION. */
function ttlOf({ ttl, delay, at }: PublishOptions): string | undefined {
  if (ttl === undefined) return undefined;
  if (delay !== undefined || at !== undefined)
    throw optionError(
      "INVALID_OPTION",
      "`ttl` cannot be beside `delay` or `at`: what waits to leave is in no stream yet",
    );
  const ttlMs = typeof ttl === "string" ? parseDuration(ttl) : undefined;
  if (ttlMs === undefined) throw optionError("INVALID_OPTION", `ttl ${preview(ttl)} is not a duration such as "10m"`);
  const value = ttlValue(ttlMs);
  if (value !== undefined) return value;
  throw optionError("INVALID_OPTION", `ttl ${JSON.stringify(ttl)} is less than "1s", which is the least`);
}

/** Throws INVALID_OPTION. */
export function readTimeout(text: string): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs !== undefined) return timeoutMs;
  throw optionError("INVALID_OPTION", `timeout ${preview(text)} is not a duration such as "5s"`);
}

function laterByDelay(text: string): Later | undefined {
  const delayMs = typeof text === "string" ? parseDuration(text) : undefined;
  if (delayMs === undefined)
    throw optionError("INVALID_OPTION", `delay ${preview(text)} is not a duration such as "10m"`);
  if (delayMs > LONGEST_LATER_MS) throw tooFar(`delay ${JSON.stringify(text)}`);
  return delayMs === 0 ? undefined : { kind: "delay", delayMs };
}

function laterByTime(at: Date, nowMs: number): Later {
  const atMs = at instanceof Date ? at.getTime() : Number.NaN;
  if (Number.isNaN(atMs)) throw optionError("INVALID_OPTION", `at ${preview(at)} is not a Date that stands for a time`);
  if (atMs - nowMs > LONGEST_LATER_MS) throw tooFar(`at ${at.toISOString()}`);
  return { kind: "at", atMs: Math.max(0, atMs) };
}

function tooFar(what: string): TypeError {
  return optionError("INVALID_OPTION", `${what} is more than 366 days ahead, which is the most`);
}

export function optionError(code: "UNKNOWN_OPTION" | "INVALID_OPTION", message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}
