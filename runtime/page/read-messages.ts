// Deliveries as the page shows them: rows that fit a filter, and one with all that belongs to it. Pure.

import type { OutcomeKind } from "../message/outcome.ts";
import { redactedText } from "../observe/redact.ts";
import type { ErrorNote, PayloadView, Tone } from "./answers.ts";
import { logEntry } from "./log-entry.ts";
import type { MadeCall, MessageDetail, MessageRow, SeenPublishes } from "./message-answers.ts";
import { keyOf, type MadeByCall, type Run, SENT_FROM_HERE, type Sighting } from "./message-watch.ts";
import { headerView, hiddenView, partView } from "./payload-view.ts";

export interface MessageFilter {
  readonly handler?: string | undefined;
  /** An outcome, or `failed`: any but `returned` and `filtered`. */
  readonly outcome?: string | undefined;
  /** In subject, id, error, headers and, where they are shown, payload and reply. */
  readonly words?: string | undefined;
}

const TONES: Readonly<Record<OutcomeKind, Tone>> = {
  returned: "good",
  filtered: "idle",
  "retry-later": "coming",
  "slow-down": "coming",
  "given-back": "off",
  threw: "bad",
  "gave-up": "bad",
  invalid: "bad",
  "not-serializable": "bad",
  "timed-out": "bad",
  cancelled: "bad",
  crashed: "bad",
  "out-of-memory": "bad",
  "too-many-hops": "bad",
  "queue-full": "bad",
};

/** Nothing went wrong. */
export function isWell(outcome: OutcomeKind): boolean {
  return outcome === "returned" || outcome === "filtered";
}

export function isRun(one: Sighting): one is Run {
  return one.kind === "run";
}

export function fits({ handler, outcome, words = "" }: MessageFilter): (run: Run) => boolean {
  const wanted = words.trim().toLowerCase();
  return (run) => {
    if (handler !== undefined && run.handler !== handler) return false;
    if (outcome === "failed" && isWell(run.outcome)) return false;
    if (outcome !== undefined && outcome !== "failed" && run.outcome !== outcome) return false;
    return wanted === "" || textOf(run).includes(wanted);
  };
}

export function messageRow(run: Run): MessageRow {
  const { atMs, handler, subject, id, origin, attempt, outcome, tookMs, error, settled, retryInMs } = run;
  const isWaiting = retryInMs !== undefined && !isWell(outcome);
  return {
    key: keyOf(run),
    atMs,
    handler,
    subject,
    id,
    origin,
    attempt,
    outcome,
    tone: isWaiting ? "coming" : TONES[outcome],
    tookMs: Math.round(tookMs * 10) / 10,
    bytes: run.payload.bytes,
    problem: error && redactedText(firstLine(withoutPlace(error.message, subject))),
    settled: settled && redactedText(settled),
  };
}

/** Undefined when it is not kept any more. */
export function showMessage(key: string, kept: Iterable<Sighting>, shows: boolean): MessageDetail | undefined {
  const all = [...kept];
  const run = all.filter(isRun).find((one) => keyOf(one) === key);
  if (run === undefined) return undefined;
  const own = all.filter(({ handler, id }) => handler === run.handler && id === run.id);
  const { replica, version, waitedMs, headers, reply, error, stack, retryInMs, atMs } = run;
  return {
    ...messageRow(run),
    replica,
    version,
    waitedMs: Math.round(waitedMs * 10) / 10,
    retryAtMs: retryInMs === undefined ? undefined : atMs + retryInMs,
    headers: headers.map(headerView),
    payload: viewOf(run.payload, shows),
    reply: reply && viewOf(reply, shows),
    error: error && errorNote(error, atMs),
    stack: stack && redactedText(stack),
    lines: own.flatMap((one) => {
      if (one.kind !== "line" || (one.attempt ?? run.attempt) !== run.attempt) return [];
      const { level, text, fields = "" } = one;
      return [{ ...logEntry({ replica: one.replica, timeMs: one.atMs, level, text }), fields: redactedText(fields) }];
    }),
    calls: callsOf(own),
    attempts: own.filter(isRun).map(messageRow),
  };
}

/** Each once: a message that runs again publishes the same again. */
export function callsOf(own: readonly Sighting[]): MadeCall[] {
  const problems = new Map(own.flatMap((one) => (one.kind === "refusal" ? [[one.origin, one.problem] as const] : [])));
  const calls = new Map<string, MadeByCall>();
  for (const one of own) if (one.kind === "call" && !calls.has(one.origin)) calls.set(one.origin, one);
  return [...calls.values()].map(({ origin, atMs, verb, subject, payload, leavesAtMs }) => {
    const problem = problems.get(origin);
    return { origin, atMs, verb, subject, bytes: payload.bytes, leavesAtMs, problem: problem && redactedText(problem) };
  });
}

/** Subjects with an id in them are many: more of one handler say nothing more. */
const MOST_SUBJECTS = 50;

export function seenPublishes(kept: Iterable<Sighting>): SeenPublishes {
  const seen = new Map<string, Set<string>>();
  for (const one of kept) {
    if (one.kind !== "call" || one.handler === SENT_FROM_HERE) continue;
    const subjects = seen.get(one.handler) ?? new Set();
    seen.set(one.handler, subjects);
    if (subjects.size < MOST_SUBJECTS) subjects.add(one.subject);
  }
  return { publishes: [...seen].map(([handler, subjects]) => ({ handler, subjects: [...subjects].sort() })) };
}

function errorNote({ message, frame, remedy, ...rest }: NonNullable<Run["error"]>, atMs: number): ErrorNote {
  const hide = (text: string | undefined) => text && redactedText(text);
  return { ...rest, message: redactedText(message), frame: hide(frame), remedy: hide(remedy), atMs };
}

function viewOf({ bytes, data }: Run["payload"], shows: boolean): PayloadView {
  if (!shows) return { ...hiddenView(new Uint8Array()), bytes };
  return partView(data === undefined ? undefined : Buffer.from(data, "base64"), bytes);
}

/** What is searched is what is shown: nobody finds out a secret by guessing at it. */
const texts = new WeakMap<Run, string>();

function textOf(run: Run): string {
  const known = texts.get(run);
  if (known !== undefined) return known;
  const { handler, subject, id, error, headers, payload, reply } = run;
  const shown = [payload, reply].flatMap((one) => (one?.data === undefined ? [] : [viewOf(one, true).text]));
  const said = headers.map(headerView).map(([name, value]) => `${name}: ${value}`);
  const text = [handler, subject, id, redactedText(error?.message ?? ""), ...said, ...shown].join("\n").toLowerCase();
  texts.set(run, text);
  return text;
}

/** Handler and subject are beside it. */
function withoutPlace(message: string, subject: string): string {
  const mark = `on "${subject}": `;
  const at = message.startsWith("handler ") ? message.indexOf(mark) : -1;
  return at === -1 ? message : message.slice(at + mark.length);
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
