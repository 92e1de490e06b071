// `handlers disable`: turn handlers off on every replica, and say what becomes of their messages.

import { systemClock } from "../../clock.ts";
import { Backlog } from "../../control/backlog.ts";
import type { ReplicaInfo, StatusReply } from "../../control/control-protocol.ts";
import { findNames, isGlob } from "../../control/handler-names.ts";
import type { Intent } from "../../control/intent.ts";
import { type IntentMark, openIntentStore } from "../../control/intent-store.ts";
import { type HandlerSummary, summarize } from "../../control/summary.ts";
import { watchersOf } from "../../control/watchers.ts";
import { RuntimeError } from "../../errors.ts";
import {
  type ControlSession,
  countText,
  handlersOf,
  operatorName,
  printLate,
  replicasOf,
  unknownHandlers,
  withControl,
} from "../control-session.ts";
import { disabledText } from "../disabled-text.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { readEnd, readWait } from "../moment.ts";
import { printLine, printWrapped, type Terminal } from "../terminal.ts";

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
    const { connection, app, client } = session;
    const store = await openIntentStore(connection, app, systemClock);
    const [replies, watchers] = await Promise.all([client.status(), watchersOf(connection, app)]);
    const names = namesToDisable(words, replies, options.force === true, app);
    const intent = intentOf(options, terminal);
    const startedAtMs = systemClock.monotonicMs();
    const marks: IntentMark[] = [];
    for (const name of names) marks.push(await store.put(name, intent));
    const asked = replies.map(({ replica }) => replica);
    const { done, late } = await client.applied(marks, replicasOf(replies, watchers), waitMs);
    const tookMs = systemClock.monotonicMs() - startedAtMs;
    const after = await handlersAfter(session, names, asked);
    const told = { app, names, intent, done, late, tookMs, waitMs, after };
    if (options.json === true) printLine(terminal.out, disableJson(told));
    else print(told, terminal);
    return late.length === 0 ? 0 : 1;
  });
}

function intentOf({ reason = "", now = false, ...end }: DisableOptions, { env }: Terminal): Intent {
  const sinceMs = systemClock.nowMs();
  const untilMs = readEnd(end, sinceMs);
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
  { client, connection, app }: ControlSession,
  names: readonly string[],
  asked: readonly ReplicaInfo[],
): Promise<Map<string, HandlerSummary>> {
  const pending = await new Backlog(connection, app).ofAll(names);
  const replies = asked.length === 0 ? [] : await client.status(asked);
  return new Map(summarize(replies, pending).map((summary) => [summary.name, summary]));
}

interface Told {
  readonly app: string;
  readonly names: readonly string[];
  readonly intent: Intent;
  readonly done: readonly ReplicaInfo[];
  readonly late: readonly ReplicaInfo[];
  readonly tookMs: number;
  readonly waitMs: number;
  readonly after: ReadonlyMap<string, HandlerSummary>;
}

function print({ app, names, intent, done, late, tookMs, waitMs, after }: Told, terminal: Terminal): void {
  const { out, err } = terminal;
  const why = disabledText({ source: "operator", ...intent, sinceMs: 0 }, intent.sinceMs).replace("disabled ", "");
  const where = done.length === 0 ? "" : ` on ${countText(done.length, "replica")} in ${Math.round(tookMs)} ms`;
  for (const name of names) {
    printLine(out, `${out.paint("yellow", "-")} ${out.paint("bold", name)} disabled${where}`);
    printWrapped(out, fateLines(after.get(name)));
  }
  printWrapped(out, [why]);
  if (done.length + late.length === 0)
    printLine(err, `${err.paint("yellow", "!")} no runtime of app "${app}" runs: it holds from the next start on`);
  printLate(terminal, late, waitMs);
}

/** What becomes of its messages. */
function fateLines(summary: HandlerSummary | undefined): string[] {
  if (summary === undefined) return [];
  const { kind, subject, pending, inFlight, queued } = summary;
  const inHand = inFlight + queued;
  const finishing =
    inHand === 0
      ? []
      : [`${countText(inHand, "message")} in hand ${inHand === 1 ? "is" : "are"} finished first; --now ends them`];
  if (kind === "durable")
    return [
      ...finishing,
      `its messages wait in the stream until it is enabled: ${pending ?? "an unknown number"} so far`,
    ];
  if (kind === "request") return [...finishing, `requests to "${subject}" get "no responders" at once`];
  if (kind === "event") return [...finishing, `messages to "${subject}" are lost to it while it is off`];
  return finishing;
}

function disableJson({ names, intent, done, late, tookMs, after, app }: Told): string {
  const handlers = names.map((name) => {
    const { kind, subject, pending, inFlight, queued } = after.get(name) ?? {};
    return { name, kind, subject, pending, inFlight, queued };
  });
  const { by, reason, untilMs } = intent;
  return JSON.stringify({ app, ok: late.length === 0, handlers, by, reason, untilMs, tookMs, done, late }, null, 2);
}
