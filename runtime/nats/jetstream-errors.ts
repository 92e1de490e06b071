// What JetStream's errors mean, in words. The client's own mislead: "jetstream is not enabled" is what it says of any
// request that nobody answered.

import { JetStreamApiError } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { type ErrorCode, RuntimeError } from "../errors.ts";
import { isForOthersOnly, lacksJetStream } from "./no-jetstream.ts";
import { REFUSAL_REMEDIES } from "./refusal-remedies.ts";

export const ApiCode = {
  streamNotFound: 10059,
  consumerNotFound: 10014,
  messageNotFound: 10037,
  /** Deleting a message that is not there: "stream store EOF" beyond the ends, "sequence not found" in between. */
  nothingThere: 10057,
  sequenceNotFound: 10043,
  subjectsOverlap: 10065,
  streamNameInUse: 10058,
  /** Another has written to the subject since; the second from 2.12 on, of some streams. */
  wrongLastSequence: 10071,
  wrongLastSequenceConstant: 10164,
  /** Messages of an atomic batch did not come, or were refused. */
  batchIncomplete: 10176,
  consumerExists: 10148,
  consumerUnchangeable: 10012,
  filterOutsideStream: 10093,
  /** max_ack_pending is above the limit of the stream, the account or the server. */
  ackPendingLimit: 10121,
  workQueueNeedsFilter: 10099,
  workQueueTaken: 10100,
  workQueueDeliverAll: 10101,
} as const;

/** What a cluster says while some of its servers are away, or have just come (nats-server, server/errors.json). */
const NOT_NOW: Readonly<Record<number, string>> = {
  10004: "not all servers of JetStream have answered",
  10008: "JetStream has no leader",
  10009: "JetStream has no leader",
  10118: "the server that keeps the stream is away",
  10119: "the server that keeps the consumer is away",
};

/** The stream, its server or the account is full: a smaller or later message would not help, or not for long. */
const FULL: readonly number[] = [10077, 10047, 10028, 10023];

/** What JetStream has answered, also where the client has made an error of its own of it. */
export function apiErrorIn(error: unknown): JetStreamApiError | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof JetStreamApiError) return at;
  }
  return undefined;
}

export function isApiError(error: unknown, ...codes: readonly number[]): boolean {
  const answered = apiErrorIn(error);
  return answered !== undefined && codes.includes(answered.code);
}

/** Nobody listens where the request went: no JetStream, no such stream or consumer, or no leader yet. */
export function isNoAnswer(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof errors.NoRespondersError) return true;
  }
  return false;
}

/** JetStream is not there yet, or not now, as far as its answer, or that there is none, can tell. */
export function mayBeAnsweredLater(error: unknown): boolean {
  return (apiErrorIn(error)?.code ?? 0) in NOT_NOW || isLate(error) || isNoAnswer(error);
}

/** Not the message's fault: what is published is not taken now, and may be later. */
export function takesNothingNow(error: unknown): boolean {
  return mayBeAnsweredLater(error) || isApiError(error, ...FULL);
}

export interface Translation {
  readonly connection: NatsConnection;
  readonly code: ErrorCode;
  /** What was being done, as the start of a sentence: `stream "TODO" could not be created`. */
  readonly doing: string;
  readonly handler?: string;
  /** For refusals JetStream explains by a number. */
  readonly remedies?: Readonly<Record<number, string>>;
}

/** The error itself when it is ours; NATS_UNREACHABLE when nothing came back, and trying again may help. */
export function jetStreamError(error: unknown, translation: Translation): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const { connection, doing, handler, remedies = {} } = translation;
  const details = { cause: error, ...(handler === undefined ? {} : { handler }) };
  const unready = (what: string) =>
    new RuntimeError("NATS_UNREACHABLE", `${doing}: ${what}`, {
      ...details,
      remedy:
        "Nothing, when NATS comes back. Else check that JetStream is healthy, and this user's account has it (`nats account info`).",
    });
  const answered = apiErrorIn(error);
  if (answered !== undefined) {
    const notNow = NOT_NOW[answered.code];
    if (notNow !== undefined) return unready(notNow);
    const remedy = remedies[answered.code] ?? REFUSAL_REMEDIES[answered.code];
    const message = `${doing}: the server says "${answered.message}" (${answered.code})`;
    return new RuntimeError(translation.code, message, { ...details, ...(remedy === undefined ? {} : { remedy }) });
  }
  if (connection.info === undefined) return unready("NATS is gone");
  if (isLate(error)) return unready("NATS did not answer in time");
  if (lacksJetStream(connection)) return withoutJetStream(connection, doing, details);
  const denied = deniedSubject(error);
  if (denied !== undefined) {
    return new RuntimeError("NATS_REFUSED", `${doing}: this connection may not publish to "${denied}"`, {
      ...details,
      remedy: `Allow its user to publish to "${denied}".`,
    });
  }
  if (isNoAnswer(error)) return unready("JetStream did not answer");
  const reason = error instanceof Error ? error.message : String(error);
  return new RuntimeError(translation.code, `${doing}: ${reason}`, {
    ...details,
    remedy: "Check that JetStream is healthy (`nats account info`), and that this user's account has it.",
  });
}

/** NATS_REFUSED, with what would bring JetStream. */
export function withoutJetStream(
  connection: NatsConnection,
  doing: string,
  details: { readonly cause?: unknown; readonly handler?: string } = {},
): RuntimeError {
  const [why, how] = isForOthersOnly(connection)
    ? ["this account has no JetStream", "Have JetStream enabled for the account (`jetstream: enabled`, or in its JWT)"]
    : [
        "the NATS server has JetStream switched off",
        "Start nats-server with -js (or `jetstream {}` in its configuration)",
      ];
  return new RuntimeError("NATS_REFUSED", `${doing}: ${why}`, { ...details, remedy: `${how}, or use kind: "event".` });
}

function isLate(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof errors.TimeoutError) return true;
  }
  return false;
}

/** What this connection may not publish to, as the server has said; undefined: it has said no such thing. */
export function deniedSubject(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof errors.PermissionViolationError) return at.subject;
  }
  return undefined;
}
