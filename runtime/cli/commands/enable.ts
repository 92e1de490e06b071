// `handlers enable`: take an operator's word back. A handler that is not off but in trouble (quarantined, failed) is
// tried again at once.

import { systemClock } from "../../clock.ts";
import type { ReplicaInfo, StatusReply } from "../../control/control-protocol.ts";
import { findNames } from "../../control/handler-names.ts";
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
import { stateText } from "../status-screen.ts";
import { readWait } from "../time-options.ts";

export interface EnableOptions {
  readonly wait: string;
  readonly json?: boolean;
}

const IN_TROUBLE = new Set<string>(["failed", "backing-off", "quarantined"]);

export function enable(words: readonly string[], { terminal, options }: Invocation<EnableOptions>): Promise<ExitCode> {
  const waitMs = readWait(options.wait);
  return withControl(terminal, options, async (session) => {
    const { connection, app, client } = session;
    const scene = await lookAround(session);
    const { bucket, replies } = scene;
    const store = await bucket;
    const intents = await store.list();
    const known = new Set([...handlersOf(replies), ...intents.keys()]);
    const { names, unknown } = findNames(words, known);
    if (unknown.length > 0) throw unknownHandlers(unknown, known);
    const off = names.filter((name) => intents.has(name) || isOffUntilEnabled(name, replies));
    const pending = pendingOf(off, { app, durables: await durablesSeen(connection, app, replies), replies });
    const by = operatorName(terminal.env);
    const intent = { disabled: false, by, reason: "", sinceMs: store.nowMs(), now: false };
    const switched = await switchAll(session, scene, off, { intent, waitMs });
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
        tried: tried.has(name),
        after: after.find((one) => one.name === name),
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
  readonly tried: boolean;
  readonly after: HandlerSummary | undefined;
}

interface Told {
  readonly app: string;
  readonly handlers: readonly Enabled[];
  readonly switched: Switched;
  readonly tookMs: number;
}

/** It serves on one replica at least, or nothing runs that could. */
function isOn({ after }: Pick<Enabled, "after">): boolean {
  return after === undefined || after.replicas.some(({ handler }) => TAKING.has(handler.state));
}

const TAKING = new Set<string>(["serving", "idle", "waking", "restarting"]);

function print({ app, handlers, switched, tookMs }: Told, terminal: Terminal): void {
  for (const handler of handlers) printOne(handler, tookMs, terminal);
  printReplicas(terminal, app, switched, switched.asked.length + switched.late.length === 0 ? "it serves" : undefined);
}

function printOne({ name, pausedForMs, wasOff, tried, after }: Enabled, tookMs: number, terminal: Terminal): void {
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
  printLine(out, `${mark} ${bold} ${didText({ wasOff, tried }, after)}; ${where}${took}`);
  const backlog = after.pending ?? 0;
  if (wasOff && backlog > 0) printLine(out, `    ${countText(backlog, "message")} waited in the stream`);
  printWrapped(
    out,
    disabledTexts(after, systemClock.nowMs()).map((text) => `still ${text}`),
  );
  if (pausedForMs !== undefined) {
    const nowMs = systemClock.nowMs();
    const until = momentText(nowMs + pausedForMs, nowMs);
    printWrapped(out, [`still paused by an operator until ${until}: \`nats consumer resume\` ends it before`]);
  }
  const failure = after.replicas.find(({ handler }) => handler.lastFailure !== undefined)?.handler.lastFailure;
  if (failure !== undefined) printReported(out, failure, name, "    ");
}

function didText({ wasOff, tried }: { wasOff: boolean; tried: boolean }, after: HandlerSummary): string {
  if (wasOff) return "enabled";
  if (tried) return "started again";
  return after.state === "disabled" ? "was not disabled by an operator" : "was not off";
}

function enableJson({ app, handlers, switched, tookMs }: Told): string {
  const { late, gone } = switched;
  const each = handlers.map(({ name, pausedForMs, wasOff, tried, after }) => ({
    name,
    wasOff,
    tried,
    on: isOn({ after }),
    ...(pausedForMs === undefined ? {} : { pausedForMs }),
    replicas: after?.replicas.map(({ replica, handler }) => ({
      ...replica,
      state: handler.state,
      disabled: handler.disabled,
    })),
  }));
  const ok = late.length === 0 && handlers.every(isOn);
  return JSON.stringify({ app, ok, handlers: each, tookMs, late, gone }, null, 2);
}
