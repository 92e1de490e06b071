// How every handler stands, as the page shows it: rows made of what the replicas report. Pure.

import { canaryTexts } from "../control/canary-text.ts";
import type { ReportedError, ReportedHandler } from "../control/control-protocol.ts";
import { slowStartText } from "../control/slow-start-text.ts";
import type { HandlerSummary } from "../control/summary.ts";
import type { ErrorNote, HandlerDetail, HandlerRow, OffNote, ReplicaRow, RollbackNote, Tone } from "./answers.ts";
import type { Rates } from "./rates.ts";

const TONES: Readonly<Record<HandlerSummary["state"], Tone>> = {
  serving: "good",
  waking: "good",
  idle: "idle",
  starting: "coming",
  restarting: "coming",
  disabled: "off",
  stopped: "off",
  "backing-off": "bad",
  quarantined: "bad",
  failed: "bad",
};

export function rowOf(summary: HandlerSummary, rates: Rates): HandlerRow {
  const { name, state, file, kind, subjects, subject, publishes, inState, versions, inFlight, queued, pending } =
    summary;
  const { handled, failed, p50Ms, p99Ms, holds, replicas } = summary;
  const failure = replicas.find(({ handler }) => handler.lastFailure !== undefined)?.handler.lastFailure;
  return {
    name,
    state,
    tone: holds.length > 0 && TONES[state] !== "bad" ? "stuck" : TONES[state],
    file,
    kind,
    subjects,
    subject,
    publishes,
    replicas: replicas.length,
    inState,
    versions,
    rolledBack: rollbackNotes(replicas.map(({ handler }) => handler)),
    canary: [...new Set(replicas.flatMap(({ handler }) => canaryTexts(handler)))],
    inFlight,
    queued,
    pending,
    handled,
    failed,
    ...rates,
    p50Ms,
    p99Ms,
    off: offNotes(replicas.map(({ handler }) => handler)),
    holds: holds.map(({ text, remedy, sinceMs, onReplicas }) => ({ text, remedy, sinceMs, onReplicas })),
    slowStart: slowStartText(summary),
    lastFailure: failure && noteOf(failure),
    lastError: errorsOf(summary)[0],
  };
}

export function detailOf(summary: HandlerSummary): HandlerDetail {
  const { name, replicas } = summary;
  return { name, replicas: replicas.map(replicaRow), errors: errorsOf(summary) };
}

function replicaRow({ replica, handler }: HandlerSummary["replicas"][number]): ReplicaRow {
  const {
    state,
    version,
    pids,
    memoryBytes,
    inFlight,
    queued,
    handled,
    failed,
    reloads,
    restarts,
    holds = [],
  } = handler;
  const { instance, host, pid, startedAtMs } = replica;
  const tone = holds.length > 0 && TONES[state] !== "bad" ? "stuck" : TONES[state];
  const counts = { inFlight, queued, handled, failed, reloads, restarts };
  return { instance, host, pid, startedAtMs, state, tone, version, pids, memoryBytes, ...counts };
}

/** Each different one once, newest first; one that says why a version did not come up before all others. */
function errorsOf({ replicas }: HandlerSummary): ErrorNote[] {
  const failures = replicas.flatMap(({ handler }) => (handler.lastFailure ? [noteOf(handler.lastFailure)] : []));
  const errors = replicas
    .flatMap(({ handler }) =>
      handler.lastError ? [{ ...noteOf(handler.lastError), atMs: handler.lastError.atMs }] : [],
    )
    .sort((a, b) => b.atMs - a.atMs);
  const seen = new Map<string, ErrorNote>();
  for (const note of [...failures, ...errors]) {
    const key = `${note.code} ${note.message}`;
    if (!seen.has(key) || seen.get(key)?.atMs === undefined) seen.set(key, note);
  }
  return [...seen.values()];
}

function rollbackNotes(handlers: readonly ReportedHandler[]): RollbackNote[] {
  const notes = new Map<string, RollbackNote>();
  for (const { rollback, ownVersion: from, version } of handlers) {
    if (rollback === undefined) continue;
    const { to, by, reason, sinceMs } = rollback;
    const serves = version === to;
    const key = JSON.stringify([from, to, by, reason, serves]);
    notes.set(key, { from, to, by, reason, sinceMs, serves, onReplicas: (notes.get(key)?.onReplicas ?? 0) + 1 });
  }
  return [...notes.values()];
}

function noteOf({ code, message, place, frame, remedy }: ReportedError): ErrorNote {
  return { code, message, place, frame, remedy };
}

function offNotes(handlers: readonly ReportedHandler[]): OffNote[] {
  const notes = new Map<string, OffNote>();
  for (const { disabled } of handlers) {
    if (disabled === undefined) continue;
    const { source, by, reason, sinceMs, untilMs } = disabled;
    const key = JSON.stringify([source, by, reason, untilMs]);
    notes.set(key, { source, by, reason, sinceMs, untilMs, onReplicas: (notes.get(key)?.onReplicas ?? 0) + 1 });
  }
  return [...notes.values()];
}
