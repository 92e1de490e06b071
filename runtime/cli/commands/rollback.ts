// `handlers rollback`: have a handler serve a version of before, on every replica, or its own again.

import { systemClock } from "../../clock.ts";
import type { ReplicaInfo, StatusReply } from "../../control/control-protocol.ts";
import { saidRollbackOf } from "../../control/said-rollback.ts";
import { RuntimeError } from "../../errors.ts";
import { ownVersionOf, planRollback } from "../../operate/roll-back.ts";
import { handlersOf, type OperatorSession } from "../../operate/session.ts";
import { lookAround, type Switched, switchAll } from "../../operate/switch-handlers.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { spanText } from "../../terminal/time-text.ts";
import type { KeptVersion } from "../../versions/kept-version.ts";
import { rollbackName, saidRollback } from "../../versions/rollback.ts";
import { operatorName, printReplicas, replicaText, unknownHandlers, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { keptVersionsOf } from "../kept-versions.ts";
import { printReported } from "../reported-error.ts";
import { readWait } from "../time-options.ts";

export interface RollbackOptions {
  readonly to?: string;
  readonly off?: boolean;
  readonly reason?: string;
  readonly wait: string;
  readonly json?: boolean;
}

/** 0: every replica serves what it is to; 1: some do not. */
export function rollback(name: string, { terminal, options }: Invocation<RollbackOptions>): Promise<ExitCode> {
  const waitMs = readWait(options.wait);
  if (options.off === true && options.to !== undefined)
    throw new RuntimeError("USAGE", "--off takes a rollback back, and --to names a version to roll back to: give one");
  return withControl<ExitCode>(terminal, options, async (session) => {
    const scene = await lookAround(session);
    const known = handlersOf(scene.replies);
    // One whose file is gone may have a rollback that waits for it.
    const mayBeGone = async () =>
      options.off === true && (await saidRollbackOf(session.connection, session.app, name)) !== undefined;
    if (scene.replies.length > 0 && !known.has(name) && !(await mayBeGone())) throw unknownHandlers([name], known);
    const kept = options.off === true ? [] : await keptVersionsOf(session, name);
    const planned = options.off === true ? undefined : planRollback(session.app, name, options.to, scene.replies, kept);
    const { reason = "" } = options;
    const by = operatorName(terminal.env);
    const said = { by, reason, sinceMs: scene.nowMs };
    const isBack = planned === undefined || planned.from.length === 0;
    const intent = saidRollback(isBack ? said : { ...planned, ...said });
    const switched = await switchAll(session, scene, [rollbackName(name)], { intent, waitMs });
    const tookMs = systemClock.monotonicMs() - switched.startedAtMs;
    const replicas = await standingAfter(session, name, isBack ? undefined : planned.to, switched.asked);
    const told = { name, to: isBack ? undefined : planned.to, kept, replicas, switched, tookMs };
    const ok = switched.late.length === 0 && replicas.every(({ serves }) => serves);
    if (options.json === true) printLine(terminal.out, rollbackJson(told, ok, session.app));
    else print(told, terminal, session.app);
    return ok ? 0 : 1;
  });
}

interface Standing {
  readonly replica: ReplicaInfo;
  readonly handler: StatusReply["handlers"][number];
  /** It serves what it is to. One that is off will. */
  readonly serves: boolean;
}

/** @param to undefined: each its own */
async function standingAfter(
  { client }: OperatorSession,
  name: string,
  to: string | undefined,
  asked: readonly ReplicaInfo[],
): Promise<Standing[]> {
  const replies = asked.length === 0 ? [] : await client.status(asked);
  return replies.flatMap(({ replica, handlers }) =>
    handlers
      .filter((handler) => handler.name === name)
      .map((handler) => {
        const serves = handler.version === (to ?? ownVersionOf(handler));
        return { replica, handler, serves: serves || handler.disabled !== undefined };
      }),
  );
}

interface Told {
  readonly name: string;
  readonly to: string | undefined;
  readonly kept: readonly KeptVersion[];
  readonly replicas: readonly Standing[];
  readonly switched: Switched;
  readonly tookMs: number;
}

function print({ name, to, kept, replicas, switched, tookMs }: Told, terminal: Terminal, app: string): void {
  const { out, err } = terminal;
  const serving = replicas.filter(({ serves }) => serves).length;
  const of = serving === replicas.length ? "" : ` of ${replicas.length}`;
  const where = `on ${serving}${of} replica${replicas.length === 1 ? "" : "s"} in ${Math.round(tookMs)} ms`;
  const mark = to === undefined ? out.paint("green", "+") : out.paint("yellow", "-");
  const did = to === undefined ? "serves its own version" : `rolled back to ${to}`;
  printLine(out, `${mark} ${out.paint("bold", name)} ${did} ${where}`);
  const since = kept.find(({ version }) => version === to)?.servedMs;
  if (since !== undefined)
    printLine(
      out,
      `    that went live ${spanText(systemClock.nowMs() - since)} ago; --off ends the rollback, and so does a new version`,
    );
  for (const { replica, handler } of replicas.filter(({ serves }) => !serves)) {
    const { version, lastFailure } = handler;
    const instead = version === undefined ? "serves nothing" : `serves ${version}`;
    printLine(err, `${err.paint("red", "✗")} replica ${replicaText(replica)} ${instead}`);
    if (lastFailure !== undefined) printReported(err, lastFailure, name, "    ");
  }
  printReplicas(terminal, app, switched, undefined);
}

function rollbackJson({ name, to, replicas, switched, tookMs }: Told, ok: boolean, app: string): string {
  const served = replicas.map(({ replica, handler, serves }) => {
    const { version, ownVersion, lastFailure } = handler;
    return { replica, version, ownVersion, serves, lastFailure };
  });
  const { done, late, gone, keptBy } = switched;
  return JSON.stringify({ app, ok, handler: name, to, replicas: served, tookMs, done, late, gone, keptBy }, null, 2);
}
