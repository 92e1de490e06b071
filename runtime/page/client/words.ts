// Times, counts and reasons as people read them. Pure.

import { momentText, spanText } from "../../terminal/time-text.ts";
import type { ErrorNote, HandlerRow, HoldNote, OffNote, RollbackNote, Tone } from "../answers.ts";

export const SIGNS: Readonly<Record<Tone, string>> = {
  good: "✓",
  idle: "○",
  coming: "↻",
  off: "–",
  stuck: "!",
  bad: "✕",
};

export function agoText(atMs: number, nowMs: number): string {
  return nowMs - atMs < 1_500 ? "just now" : `${spanText(nowMs - atMs)} ago`;
}

/** `1,204`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

export function plural(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? "" : "s"}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const [unit, size] = bytes < 1_000_000 ? ["kB", 1e3] : bytes < 1_000_000_000 ? ["MB", 1e6] : ["GB", 1e9];
  const value = bytes / size;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export function msText(ms: number): string {
  if (ms < 1) return ms === 0 ? "0 ms" : `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : spanText(ms);
}

/** `12:01:07.123`: two messages of one second are told apart. */
export function clockText(atMs: number, nowMs: number): string {
  return `${momentText(atMs, nowMs)}.${String(Math.floor(atMs) % 1_000).padStart(3, "0")}`;
}

export function rateText(rate: number): string {
  return rate === 0 ? "0" : rate < 10 ? rate.toFixed(1) : countText(Math.round(rate));
}

/** `failed`, `serving 2 of 3`, `stuck`. */
export function stateText({ state, tone, inState, replicas }: HandlerRow): string {
  const word = tone === "stuck" ? "stuck" : state;
  return inState === replicas ? word : `${word} ${inState} of ${replicas}`;
}

/** Why it is not simply well, and which version serves instead of its own; empty when it is, and its own does. */
export function whyText(row: HandlerRow, nowMs: number): string {
  const rolledBack = row.rolledBack.map((note) => rollbackText(note, nowMs, row.replicas));
  return [troubleText(row, nowMs), ...rolledBack, ...row.canary].filter(Boolean).join(" · ");
}

function troubleText(row: HandlerRow, nowMs: number): string {
  const [off] = row.off;
  if (off !== undefined) return offText(off, nowMs, row.replicas);
  const [hold] = row.holds;
  if (hold !== undefined) return holdText(hold, nowMs);
  if (row.lastFailure !== undefined) return failureText(row, row.lastFailure);
  if (row.slowStart !== undefined) return row.slowStart;
  if (row.lastError === undefined) return "";
  if (hasFailedLately(row, nowMs))
    return `failed ${agoText(row.lastError.atMs ?? nowMs, nowMs)}: ${errorLine(row.lastError)}`;
  return row.tone === "bad" ? errorLine(row.lastError) : "";
}

const LATELY_MS = 120_000;

/** A message of its failed within two minutes: also one that is well, and that a retry will help, may be told of. */
export function hasFailedLately({ lastError }: Pick<HandlerRow, "lastError">, nowMs: number): boolean {
  return lastError?.atMs !== undefined && nowMs - lastError.atMs < LATELY_MS;
}

/** Why its last version did not come up, and what serves meanwhile. */
export function failureText({ versions }: Pick<HandlerRow, "versions">, failure: ErrorNote): string {
  const [before] = versions;
  return `${errorLine(failure)}${before === undefined ? "" : `. Version ${before.version.slice(0, 8)} goes on serving`}`;
}

const SOURCES: Readonly<Record<string, string>> = {
  env: "the environment (HANDLERS_DISABLED)",
  config: "the configuration (`disabled` in handlers.config.ts)",
  metadata: "its own metadata",
  start: "start --hold, until it is enabled",
};

export function offText(
  { source, by, reason, sinceMs, untilMs, onReplicas }: OffNote,
  nowMs: number,
  replicas: number,
): string {
  const who = source === "operator" ? by : (SOURCES[source] ?? source);
  const when = source === "operator" && sinceMs > 0 ? ` ${agoText(sinceMs, nowMs)}` : "";
  const why = reason === "" ? "" : `: ${reason}`;
  const until = untilMs === undefined ? "" : `, until ${momentText(untilMs, nowMs)} (in ${spanText(untilMs - nowMs)})`;
  const where = onReplicas === replicas ? "" : `, on ${onReplicas} of ${replicas} replicas`;
  return `disabled by ${who}${when}${why}${until}${where}`;
}

/** `rolled back from 1a2b3c4d to 9f8e7d6c by ana@host 5 min ago: bills twice` */
export function rollbackText(
  { from, to, by, reason, sinceMs, serves, onReplicas }: RollbackNote,
  nowMs: number,
  replicas: number,
): string {
  const missing = serves ? "" : ", which does not serve,";
  const why = reason === "" ? "" : `: ${reason}`;
  const where = onReplicas === replicas ? "" : `, on ${onReplicas} of ${replicas} replicas`;
  const version = from?.slice(0, 8) ?? "its own version";
  return `rolled back from ${version} to ${to.slice(0, 8)}${missing} by ${by} ${agoText(sinceMs, nowMs)}${why}${where}`;
}

export function holdText({ text, remedy, sinceMs }: HoldNote, nowMs: number): string {
  return `stuck for ${spanText(nowMs - sinceMs)}: ${text}. ${remedy}`;
}

export function errorLine({ code, message, place }: ErrorNote): string {
  return `${code}: ${message.split("\n")[0]}${place === undefined ? "" : ` (${place})`}`;
}

/** The end of a path: what tells places apart. */
export function shortPlace(place: string): string {
  const parts = place.split("/");
  const at = parts.lastIndexOf("handlers");
  return (at === -1 ? parts.slice(-2) : parts.slice(at)).join("/");
}
