// Turns handlers off and on and brings them up again, as the commands do: all replicas are waited for.

import type { Intent } from "../control/intent.ts";
import { silentAmong, watchersOf } from "../control/intent-watchers.ts";
import { RuntimeError } from "../errors.ts";
import { handlersOf } from "../operate/session.ts";
import { lookAround, type Scene, switchAll } from "../operate/switch-handlers.ts";
import type { ReloadResult, SwitchResult } from "./answers.ts";
import type { Desk } from "./desk.ts";

export interface DisableRequest {
  readonly name: string;
  readonly reason: string;
  /** On again by itself after so long; undefined: when somebody enables it. */
  readonly forMs?: number | undefined;
  /** End what is in hand instead of letting it finish. */
  readonly now: boolean;
}

const APPLY_MS = 10_000;
const RELOAD_MS = 60_000;
const IN_TROUBLE = new Set<string>(["failed", "backing-off", "quarantined"]);

/** Rejects with HANDLER_NOT_FOUND, NATS_UNREACHABLE or NATS_REFUSED. */
export async function disable(
  desk: Desk,
  { name, reason, forMs, now }: DisableRequest,
  by: string,
): Promise<SwitchResult> {
  const scene = await lookAround(desk);
  assertKnown(name, scene);
  const sinceMs = scene.nowMs;
  const until = forMs === undefined ? {} : { untilMs: Math.round(sinceMs + forMs) };
  return switchOne(desk, scene, name, { disabled: true, by, reason, sinceMs, ...until, now });
}

/** Takes an operator's word back; one that is in trouble is tried again. Rejects as `disable` does. */
export async function enable(desk: Desk, name: string, by: string): Promise<SwitchResult> {
  const scene = await lookAround(desk);
  const isOff = (await (await scene.bucket).list()).has(name);
  if (!isOff) assertKnown(name, scene);
  const intent = { disabled: false, by, reason: "", sinceMs: scene.nowMs, now: false };
  const result = isOff ? await switchOne(desk, scene, name, intent) : { done: 0, late: [], keptBy: "bucket" as const };
  const replies = await desk.client.status();
  const inTrouble = replies.some(({ handlers }) =>
    handlers.some((one) => one.name === name && IN_TROUBLE.has(one.state)),
  );
  if (inTrouble) {
    const asked = replies.map(({ replica }) => replica);
    await desk.client.reload([name], asked, APPLY_MS);
  }
  return result;
}

/** Rejects as `disable` does. */
export async function reload(desk: Desk, name: string): Promise<ReloadResult> {
  const { client, connection, app } = desk;
  const [replies, watchers] = await Promise.all([client.status(), watchersOf(connection, app)]);
  assertKnown(name, { replies });
  const asked = replies.map(({ replica }) => replica);
  const reloaded = await client.reload([name], asked, RELOAD_MS);
  const handlers = reloaded.replies.flatMap(({ replica, reloaded: each = [] }) =>
    each.map(({ state, tookMs, error }) => ({
      replica: replica.instance,
      state,
      tookMs: Math.round(tookMs),
      problem: error === undefined || state === "disabled" ? undefined : `${error.code}: ${error.message}`,
    })),
  );
  const silent = [...reloaded.silent, ...silentAmong(watchers, asked)];
  return { handlers, silent: silent.map(({ instance }) => instance) };
}

async function switchOne(desk: Desk, scene: Scene, name: string, intent: Intent): Promise<SwitchResult> {
  const { done, late, keptBy } = await switchAll(desk, scene, [name], { intent, waitMs: APPLY_MS });
  return { done: done.length, late: late.map(({ instance }) => instance), keptBy };
}

function assertKnown(name: string, { replies }: Pick<Scene, "replies">): void {
  if (handlersOf(replies).has(name)) return;
  throw new RuntimeError("HANDLER_NOT_FOUND", `no replica has a handler ${JSON.stringify(name)}`);
}
