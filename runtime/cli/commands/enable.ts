// `handlers enable`: take an operator's word back. A handler that is not off but in trouble (quarantined, failed) is
// tried again at once.

import { systemClock } from "../../clock.ts";
import type { ReplicaInfo, StatusReply } from "../../control/control-protocol.ts";
import { findNames } from "../../control/handler-names.ts";
import type { Intent } from "../../control/intent.ts";
import { slowStartText } from "../../control/slow-start-text.ts";
import { type HandlerSummary, summarize } from "../../control/summary.ts";
import { durablesSeen, pausedForMs, pendingOf } from "../../operate/kept-messages.ts";
import { handlersOf, type OperatorSession } from "../../operate/session.ts";
import { lookAround, type Switched, switchAll } from "../../operate/switch-handlers.ts";
import { printLine, printWrapped, type Terminal } from "../../terminal/terminal.ts";
import { momentText } from "../../terminal/time-text.ts";
import { countText, operatorName, printReplicas, unknownHandlers, withControl } from "../control-session.ts";
import { disabledTexts } from "../disabled-text.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { printReported } from "../reported-error.ts";
import { assertKeepsRate, readSlowStart, type SlowStartOptions } from "../slow-start-options.ts";
import { stateText } from "../status-screen.ts";
import { readWait } from "../time-options.ts";

export interface EnableOptions extends SlowStartOptions {
  readonly wait: string;
  readonly json?: boolean;
}

const IN_TROUBLE = new Set<string>(["failed", "backing-off", "quarantined"]);

export function enable(words: readonly string[], { terminal, options }: Invocation<EnableOptions>): Promise<ExitCode> {
  const waitMs = readWait(options.wait);
  const slowly = readSlowStart(options);
  return withControl(terminal, options, async (session) => {
    const { connection, app, client } = session;
    const scene = await lookAround(session);
    const { bucket, replies } = scene;
    const store = await bucket;
    const intents = await store.list();
    const known = new Set([...handlersOf(replies), ...intents.keys()]);
    const { names, unknown } = findNames(words, known);
    if (unknown.length > 0) throw unknownHandlers(unknown, known);
    const sinceMs = store.nowMs();
    const slow = slowly?.(sinceMs) ?? {};
    if (slow.rate !== undefined) assertKeepsRate(names, replies);
    const off = names.filter((name) => intents.get(name)?.disabled === true || isOffUntilEnabled(name, replies));
    const meant = slowly === undefined ? names.filter((name) => off.includes(name) || intents.has(name)) : names;
    const pending = pendingOf(off, { app, durables: await durablesSeen(connection, app, replies), replies });
    const by = operatorName(terminal.env);
    const intent: Intent = { disabled: false, by, reason: "", sinceMs, now: false, ...slow };
    const switched = await switchAll(session, scene, meant, { intent, waitMs });
    const { asked, late } = switched;
    const tried = await retry(session, names, asked, waitMs);
    const tookMs = systemClock.monotonicMs() - switched.startedAtMs;
    const after = asked.length === 0 ? [] : summarize(await client.status(asked), pending);
    const kept = { app, durables: await durablesSeen(connection, app, replies), replies };
    const handlers = names.map((name): Enabled => {
      return {
        name,
        pausedForMs: pausedForMs(name, kept),
        wasOff: off.includes(name),
        wasSlow: intents.get(name)?.disabled === false,
        tried: tried.has(name),
        after: after.find((one) => one.name === name),
        letThroughSinceMs: slow.first?.saidMs,
      };
    });
    const told = { app, handlers, switched, tookMs };
    if (options.json === true) printLine(terminal.out, enableJson(told));
    else print(told, terminal);
    return late.length === 0 && handlers.every(isOn) ? 0 : 1;
  });
}

/** Whose word it takes back. */
const LIFTED = new Set<string>(["operator", "start"]);

function isOffUntilEnabled(name: string, replies: readonly StatusReply[]): boolean {
  return replies.some(({ handlers }) =>
    handlers.some((handler) => handler.name === name && LIFTED.has(handler.disabled?.source ?? "")),
  );
}

/** Those in trouble get a new start wherever they are in trouble. Resolves with their names. */
async function retry(
  { client }: OperatorSession,
  names: readonly string[],
  asked: readonly ReplicaInfo[],
  waitMs: number,
): Promise<ReadonlySet<string>> {
  if (asked.length === 0) return new Set();
  const wanted = new Set(names);
  const replies = await client.status(asked);
  const broken = replies.flatMap(({ handlers }) =>
    handlers.filter(({ name, state }) => wanted.has(name) && IN_TROUBLE.has(state)).map(({ name }) => name),
  );
  if (broken.length > 0) await client.reload([...new Set(broken)], asked, waitMs);
  return new Set(broken);
}

interface Enabled {
  readonly name: string;
  /** An operator has paused its consumer for so long still. */
  readonly pausedForMs: number | undefined;
  readonly wasOff: boolean;
  /** It began slowly before. */
  readonly wasSlow: boolean;
  readonly tried: boolean;
  readonly after: HandlerSummary | undefined;
  /** Its first messages are let through, since then; undefined: all are. */
  readonly letThroughSinceMs: number | undefined;
}

interface Told {
  readonly app: string;
  readonly handlers: readonly Enabled[];
  readonly switched: Switched;
  readonly tookMs: number;
}

/** It serves on one replica at least, or nothing runs that could, or it has served as many messages as it should. */
function isOn({ after, letThroughSinceMs = Number.POSITIVE_INFINITY }: Enabled): boolean {
  if (after === undefined) return true;
  return after.replicas.some(({ handler: { state, disabled } }) => {
    const isThrough = disabled?.source === "operator" && disabled.sinceMs > letThroughSinceMs;
    return TAKING.has(state) || isThrough;
  });
}

const TAKING = new Set<string>(["serving", "idle", "waking", "restarting"]);

function print({ app, handlers, switched, tookMs }: Told, terminal: Terminal): void {
  for (const handler of handlers) printOne(handler, tookMs, terminal);
  printReplicas(terminal, app, switched, switched.asked.length + switched.late.length === 0 ? "it serves" : undefined);
}

function printOne(enabled: Enabled, tookMs: number, terminal: Terminal): void {
  const { name, pausedForMs, wasOff, tried, after } = enabled;
  const { out } = terminal;
  const bold = out.paint("bold", name);
  if (after === undefined)
    return printLine(out, `${out.paint("green", "+")} ${bold} ${wasOff ? "enabled" : "is not off"}`);
  const serving = after.replicas.filter(({ handler }) => TAKING.has(handler.state)).length;
  const of = serving === after.replicas.length ? "" : ` of ${after.replicas.length}`;
  const where =
    serving === 0 ? stateText(after) : `serving on ${serving}${of} replica${after.replicas.length === 1 ? "" : "s"}`;
  const took = wasOff || tried ? ` in ${Math.round(tookMs)} ms` : "";
  const mark = serving === after.replicas.length ? out.paint("green", "+") : out.paint("yellow", "!");
  printLine(out, `${mark} ${bold} ${didText(enabled, after)}; ${where}${took}`);
  const backlog = after.pending ?? 0;
  if (wasOff && backlog > 0) printLine(out, `    ${countText(backlog, "message")} waited in the stream`);
  printWrapped(
    out,
    disabledTexts(after, systemClock.nowMs()).map((text) => (isOn(enabled) && serving === 0 ? text : `still ${text}`)),
  );
  const slowStart = slowStartText(after);
  if (slowStart !== undefined) printWrapped(out, [`${slowStart}; \`handlers enable ${name}\` ends it`]);
  if (pausedForMs !== undefined) {
    const nowMs = systemClock.nowMs();
    const until = momentText(nowMs + pausedForMs, nowMs);
    printWrapped(out, [`still paused by an operator until ${until}: \`nats consumer resume\` ends it before`]);
  }
  const failure = after.replicas.find(({ handler }) => handler.lastFailure !== undefined)?.handler.lastFailure;
  if (failure !== undefined) printReported(out, failure, name, "    ");
}

function didText({ wasOff, wasSlow, tried }: Enabled, after: HandlerSummary): string {
  if (wasOff) return "enabled";
  if (after.slowStart !== undefined) return "begins slowly";
  if (wasSlow) return "no longer begins slowly";
  if (tried) return "started again";
  return after.state === "disabled" ? "was not disabled by an operator" : "was not off";
}

function enableJson({ app, handlers, switched, tookMs }: Told): string {
  const { late, gone } = switched;
  const each = handlers.map((enabled) => toJson(enabled));
  const ok = late.length === 0 && handlers.every(isOn);
  return JSON.stringify({ app, ok, handlers: each, tookMs, late, gone }, null, 2);
}

function toJson(enabled: Enabled) {
  const { name, pausedForMs, wasOff, tried, after } = enabled;
  return {
    name,
    wasOff,
    tried,
    on: isOn(enabled),
    ...(pausedForMs === undefined ? {} : { pausedForMs }),
    ...(after?.slowStart === undefined ? {} : { slowStart: after.slowStart }),
    replicas: after?.replicas.map(({ replica, handler }) => ({
      ...replica,
      state: handler.state,
      disabled: handler.disabled,
    })),
  };
}
