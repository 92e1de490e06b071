// `handlers disable`: turn handlers off on every replica, and say what becomes of their messages.

import { systemClock, within } from "../../clock.ts";
import type { ReplicaInfo, StatusReply } from "../../control/control-protocol.ts";
import { findNames, isGlob } from "../../control/handler-names.ts";
import type { Intent } from "../../control/intent.ts";
import { type HandlerSummary, summarize } from "../../control/summary.ts";
import { RuntimeError } from "../../errors.ts";
import { quotedClaims } from "../../metadata/claims.ts";
import { durablesSeen, ownDurables, pendingOf } from "../../operate/kept-messages.ts";
import { handlersOf, type OperatorSession } from "../../operate/session.ts";
import { lookAround, type Switched, switchAll } from "../../operate/switch-handlers.ts";
import { type Standing, standingOf } from "../../streams/standing.ts";
import { printLine, printWrapped, type Terminal } from "../../terminal/terminal.ts";
import { countText, operatorName, printReplicas, unknownHandlers, withControl } from "../control-session.ts";
import { disabledText } from "../disabled-text.ts";
import type { ExitCode } from "../exit-code.ts";
import { fateTexts } from "../fate-text.ts";
import type { Invocation } from "../invocation.ts";
import { readEnd, readWait } from "../time-options.ts";

export interface DisableOptions {
  readonly reason?: string;
  readonly until?: string;
  readonly for?: string;
  readonly now?: boolean;
  readonly force?: boolean;
  readonly wait: string;
  readonly json?: boolean;
}

export function disable(
  words: readonly string[],
  { terminal, options }: Invocation<DisableOptions>,
): Promise<ExitCode> {
  const waitMs = readWait(options.wait);
  readEnd(options, systemClock.nowMs()); // What cannot be read is refused before anything connects.
  return withControl(terminal, options, async (session) => {
    const { app } = session;
    const scene = await lookAround(session);
    const names = namesToDisable(words, scene.replies, options.force === true, app);
    const intent = intentOf(options, terminal, scene.nowMs);
    const switched = await switchAll(session, scene, names, { intent, waitMs });
    const tookMs = systemClock.monotonicMs() - switched.startedAtMs;
    const seen = await within(systemClock, AFTER_MS, handlersAfter(session, names, switched.asked));
    const told = { app, names, intent, switched, tookMs, ...(seen === "expired" ? NOTHING_SEEN : seen) };
    if (options.json === true) printLine(terminal.out, disableJson(told));
    else print(told, terminal);
    return switched.late.length === 0 ? 0 : 1;
  });
}

/** It is off: what more can be told of it is worth no long wait. */
const AFTER_MS = 1_500;
const NOTHING_SEEN = { after: new Map(), standings: new Map() };

/** Its times are the server's: every replica goes by them. `--until` is meant by the clock of whoever types it. */
function intentOf({ reason = "", now = false, ...end }: DisableOptions, { env }: Terminal, sinceMs: number): Intent {
  const nowMs = systemClock.nowMs();
  const endMs = readEnd(end, nowMs);
  const untilMs = endMs === undefined ? undefined : Math.round(sinceMs + (endMs - nowMs));
  const by = operatorName(env);
  return { disabled: true, by, reason, sinceMs, ...(untilMs === undefined ? {} : { untilMs }), now };
}

/** With `force` also names that no replica knows: an intent may precede its handler. Throws HANDLER_NOT_FOUND. */
function namesToDisable(
  words: readonly string[],
  replies: readonly StatusReply[],
  force: boolean,
  app: string,
): readonly string[] {
  const known = handlersOf(replies);
  const { names, unknown } = findNames(words, known);
  const globs = unknown.filter(isGlob);
  if (replies.length === 0 && globs.length > 0) {
    const remedy = "Name the handlers one by one: there is nothing to match against.";
    throw new RuntimeError("HANDLER_NOT_FOUND", `no runtime of app "${app}" runs that would know ${globs.join(", ")}`, {
      remedy,
    });
  }
  const refused = replies.length === 0 || force ? globs : unknown;
  if (refused.length === 0) return [...names, ...unknown];
  const remedy = globs.length === refused.length ? undefined : "With --force it is off as soon as it is deployed.";
  throw unknownHandlers(refused, known, remedy);
}

/** What is known of them now that they are off: their subjects, what is still in hand, what waits. */
async function handlersAfter(
  { client, connection, app }: OperatorSession,
  names: readonly string[],
  asked: readonly ReplicaInfo[],
): Promise<Pick<Told, "after" | "standings">> {
  const replies = asked.length === 0 ? [] : await client.status(asked);
  const kept = { app, durables: await durablesSeen(connection, app, replies), replies };
  const after = new Map(summarize(replies, pendingOf(names, kept)).map((summary) => [summary.name, summary]));
  const standings = names.map(async (name) => {
    const { kind, subjects = [], domain } = after.get(name) ?? {};
    if (kind !== "durable") return [];
    const own = ownDurables(name, kept);
    const standing = subjects.map((subject) => {
      const durable = own.find(({ filter }) => filter === subject);
      return standingOf(connection, durable, { subject, domain });
    });
    return [[name, await Promise.all(standing)] as const];
  });
  return { after, standings: new Map((await Promise.all(standings)).flat()) };
}

interface Told {
  readonly app: string;
  readonly names: readonly string[];
  readonly intent: Intent;
  readonly switched: Switched;
  readonly tookMs: number;
  readonly after: ReadonlyMap<string, HandlerSummary>;
  /** Of the durable ones, one for each of their subjects. */
  readonly standings: ReadonlyMap<string, readonly Standing[]>;
}

function print({ app, names, intent, switched, tookMs, after, standings }: Told, terminal: Terminal): void {
  const { out } = terminal;
  const { done, late } = switched;
  const why = disabledText({ source: "operator", ...intent, sinceMs: 0 }, intent.sinceMs).replace("disabled ", "");
  const where = done.length === 0 ? "" : ` on ${countText(done.length, "replica")} in ${Math.round(tookMs)} ms`;
  for (const name of names) {
    printLine(out, `${out.paint("yellow", "-")} ${out.paint("bold", name)} disabled${where}`);
    printWrapped(out, fateLines(after.get(name), standings.get(name)));
  }
  printWrapped(out, [why]);
  printReplicas(terminal, app, switched, done.length + late.length === 0 ? "it holds" : undefined);
}

/** What becomes of its messages. */
function fateLines(summary: HandlerSummary | undefined, standings: readonly Standing[] = []): string[] {
  if (summary === undefined) return [];
  const { kind, subjects = [], inFlight, queued } = summary;
  const inHand = inFlight + queued;
  const finishing =
    inHand === 0
      ? []
      : [`${countText(inHand, "message")} in hand ${inHand === 1 ? "is" : "are"} finished first; --now ends them`];
  if (kind === "durable") return [...finishing, ...fateTexts(standings)];
  if (kind === "request") return [...finishing, `requests to ${quotedClaims(subjects)} get "no responders" at once`];
  if (kind === "event") return [...finishing, `messages to ${quotedClaims(subjects)} are lost to it while it is off`];
  return finishing;
}

function disableJson({ app, names, intent, switched, tookMs, after }: Told): string {
  const handlers = names.map((name) => {
    const { kind, subjects, subject, pending, inFlight, queued } = after.get(name) ?? {};
    return { name, kind, subjects, subject, pending, inFlight, queued };
  });
  const { by, reason, untilMs } = intent;
  const { done, late, gone, keptBy } = switched;
  const ok = late.length === 0;
  return JSON.stringify({ app, ok, handlers, by, reason, untilMs, tookMs, done, late, gone, keptBy }, null, 2);
}
