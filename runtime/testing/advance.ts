// Moves a test's clock forward, from one thing that is due to the next, and sees each done before it goes on: a message that
// fails again and again, and a schedule, come as often as in all that time.
//
// A1  What becomes due later is no work now: it is not waited for, nor is what has to wait behind it.
// A2  A schedule whose last run is put off waits for it: its replica looks again and again, and is not waited for.

import type { ConsumerInfo } from "@nats-io/jetstream";
import type { Backlog } from "../control/backlog.ts";
import type { LaterBox } from "../later/later-box.ts";
import { wakeSubject } from "../later/later-stream.ts";
import { windowOf, windowSubject } from "../later/window.ts";
import type { TimetableBox } from "../schedule/timetable-box.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";
import { type IdleDeps, leftAfter, leftOf } from "./idle.ts";
import type { MovedClock } from "./moved-clock.ts";
import type { PutOffMessages } from "./put-off-messages.ts";
import { uncopied } from "./uncopied.ts";

export interface AdvanceDeps extends Omit<IdleDeps, "backlog"> {
  readonly moved: MovedClock;
  readonly putOffs: PutOffMessages;
  readonly later: Pick<LaterBox, "list">;
  readonly backlog: Pick<Backlog, "durablesOf">;
  /** What handlers have made by `ctx.schedule`. */
  readonly timetable: Pick<TimetableBox, "list">;
}

/** Rejects when something that is due is not done within the limit, with what that is. */
export async function advance(deps: AdvanceDeps, byMs: number, limitMs: number): Promise<void> {
  await dueDone(deps, limitMs);
  const untilMs = deps.moved.nowMs() + byMs;
  for (let nextMs = await nextDue(deps); nextMs <= untilMs; nextMs = await nextDue(deps)) {
    deps.moved.moveTo(nextMs);
    await dueDone(deps, limitMs);
  }
  deps.moved.moveTo(untilMs);
  await dueDone(deps, limitMs);
}

async function nextDue({ moved, putOffs, later }: AdvanceDeps): Promise<number> {
  const { messages } = await later.list({ limit: 1 });
  const dues = [putOffs.nextMs, messages[0]?.dueMs, ...moved.awaitedMs];
  return Math.min(...dues.filter((dueMs) => dueMs !== undefined));
}

async function dueDone(deps: AdvanceDeps, limitMs: number): Promise<void> {
  const left = await leftAfter(deps, limitMs, () => leftDue(deps));
  if (left === undefined) return;
  const time = new Date(deps.moved.nowMs()).toISOString();
  throw new Error(`what is due at ${time}, by the moved clock, is not done within ${limitMs} ms:\n  ${left}`);
}

/** In words. What leaves, or is sent by a schedule, is looked for in its stream afterwards. */
async function leftDue(deps: AdvanceDeps): Promise<string[]> {
  const { client, connection, putOffs, status } = deps;
  const leaving = await leavingNow(deps);
  const made = await deps.timetable.list();
  const { begun, atWork } = deps.moved.waiters;
  await client.flush();
  await connection.flush();
  // What was put off until then was heard.
  await client.flush();
  putOffs.release();
  const handlers = status();
  const onTheirWay = await uncopied(deps, handlers);
  const works = await Promise.all(handlers.map((handler) => workOf(deps, handler)));
  const scheduled = works.filter((_, at) => isScheduled(handlers[at]!));
  const mayWait = scheduled.filter(({ putOff }) => putOff > 0).length;
  const schedules = Math.max(0, scheduled.length + made.length - begun) + Math.max(0, atWork - mayWait); // A2
  return [
    ...onTheirWay,
    ...handlers.flatMap((handler, at) => leftOf(handler, works[at]!.now)),
    ...(leaving === 0 ? [] : [`${leaving} messages published with \`delay\` or \`at\` have not left`]),
    ...(schedules <= 0 ? [] : [`${schedules} schedules have not been seen to`]),
  ];
}

/** How many have not left and are due: the runtime hears that it has to look. */
async function leavingNow({ later, moved, client, app }: AdvanceDeps): Promise<number> {
  const { messages } = await later.list();
  const due = messages.filter(({ dueMs }) => dueMs <= moved.nowMs());
  for (const { dueMs } of due) client.publish(wakeSubject(app), windowSubject(app, windowOf(dueMs)));
  return due.length;
}

interface Work {
  readonly now: number;
  readonly putOff: number;
}

/** What a handler's durables have to hand out or to hear of. */
async function workOf({ backlog, putOffs }: AdvanceDeps, handler: HandlerStatus): Promise<Work> {
  const infos = handler.kind === "durable" ? await backlog.durablesOf(handler) : [];
  const works = infos.map((info) => workIn(info, putOffs.countOf(info.stream_name, info.name)));
  return {
    now: works.reduce((sum, { now }) => sum + now, 0),
    putOff: works.reduce((sum, { putOff }) => sum + putOff, 0),
  };
}

/** A1. */
export function workIn(
  { num_pending, num_ack_pending, config }: Pick<ConsumerInfo, "num_pending" | "num_ack_pending" | "config">,
  putOff: number,
): Work {
  const inHand = Math.max(0, num_ack_pending - putOff);
  const isFull = inHand === 0 && putOff > 0 && putOff >= (config.max_ack_pending ?? Number.POSITIVE_INFINITY);
  return { now: isFull ? 0 : inHand + num_pending, putOff };
}

function isScheduled({ schedule, state }: HandlerStatus): boolean {
  return schedule !== undefined && (state === "serving" || state === "idle");
}
