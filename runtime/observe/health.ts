// Whether the runtime is alive, and whether it is ready.
//
// H1  Alive: it answers, which shows that the supervisor's loop turns, and NATS is connected or will be again. A client
//     that has closed for good, or has tried to reconnect for RECONNECT_LIMIT_MS, is helped by nothing but a restart.
//     Shorter losses of NATS are nobody's reason to restart: that would throw away what waits here.
// H2  Ready: NATS is connected, nothing drains, and every handler that is wanted is bound. A handler that has failed so
//     often that it was set aside is told as quarantined and does not count as missing: waiting would not bring it up.
//     One that is bound and held is told as stuck, and the replica is not ready, unless somebody wants it so (an
//     operator's pause) or it may only be that others have all the work there may be.
// H3  A handler whose latest save failed but whose earlier version serves is bound.

import type { HandlerReading, HandlerStanding, NatsReading, RuntimeSource } from "./metrics-source.ts";

export interface Verdict {
  readonly ok: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

export const RECONNECT_LIMIT_MS = 5 * 60_000;

/** H1. `nowMs` is monotonic. */
export function healthOf({ phase, nats }: RuntimeSource, nowMs: number): Verdict {
  const state = nats();
  const trouble = natsTrouble(state, nowMs);
  const about = { phase, nats: natsText(state, nowMs) };
  return trouble === undefined
    ? { ok: true, body: { status: "alive", ...about } }
    : { ok: false, body: { status: "failing", why: trouble, ...about } };
}

/** H2, H3. `nowMs` is monotonic. */
export function readinessOf(source: RuntimeSource, nowMs: number): Verdict {
  const standings = source.handlers().map(({ status }) => status);
  const missing = standings.filter(isMissing).map(missingText);
  const nats = source.nats();
  const stuck = standings.flatMap(stuckTexts);
  const isHeld = stuck.some(({ reason }) => !IN_ORDER.has(reason));
  const ok = source.phase === "running" && nats.kind === "connected" && missing.length === 0 && !isHeld;
  const names = (state: string) => standings.filter((standing) => standing.state === state).map(({ name }) => name);
  const body = {
    status: ok ? "ready" : "not ready",
    phase: source.phase,
    nats: natsText(nats, nowMs),
    handlers: standings.length,
    missing,
    stuck,
    quarantined: names("quarantined"),
    disabled: names("disabled"),
    // From the start, until somebody enables them.
    held: standings.filter(({ disabled }) => disabled?.source === "start").map(({ name }) => name),
  };
  return { ok, body };
}

/** Whether messages for the handler reach this replica: it has a version, with a worker or waiting for its first message. */
export function isBound({ status }: HandlerReading): boolean {
  return status.version !== undefined && !isOff(status);
}

function isMissing(status: HandlerStanding): boolean {
  return status.version === undefined && status.state !== "quarantined" && !isOff(status);
}

function isOff({ state }: HandlerStanding): boolean {
  return state === "disabled" || state === "stopped";
}

const IN_ORDER: ReadonlySet<string> = new Set(["paused", "ack-limit", "slowed-down", "keys-slowed-down"]);

/** The reason only, for the same cause as the code below. */
function stuckTexts({ name, holds }: HandlerStanding) {
  return holds.map(({ reason }) => ({ handler: name, reason }));
}

/** The code only: whoever may look here may not be meant to read the log. */
function missingText({ name, state, lastFailure }: HandlerStanding) {
  return { handler: name, state, ...(lastFailure === undefined ? {} : { error: lastFailure.code }) };
}

function natsTrouble(nats: NatsReading, nowMs: number): string | undefined {
  if (nats.kind === "closed") return "the NATS connection is closed for good";
  if (nats.kind !== "reconnecting" || nowMs - nats.sinceMs <= RECONNECT_LIMIT_MS) return undefined;
  return `NATS has been gone for more than ${RECONNECT_LIMIT_MS / 60_000} minutes`;
}

function natsText(nats: NatsReading, nowMs: number): string {
  return nats.kind === "reconnecting" ? `reconnecting for ${Math.round((nowMs - nats.sinceMs) / 1_000)} s` : nats.kind;
}
