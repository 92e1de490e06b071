// What a handler is told whose schedule cannot be made, or taken away.

import { JetStreamApiError } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { BAD_SCHEDULE, type ScheduleCall } from "../message/schedule-call.ts";
import type { StoreAnswer } from "../message/store-call.ts";
import { apiErrorIn, isNoAnswer, takesNothingNow } from "../nats/jetstream-errors.ts";
import { entryText, type MadeSchedule } from "./timetable-entry.ts";
import type { ScheduledContent } from "./timetable-store.ts";

type Refusal = Extract<StoreAnswer, { ok: false }>;

/** Subject, protocol, and how far it has been seen to. */
const SPARE_BYTES = 2_048;

export function badSchedule(call: ScheduleCall, problem: string): Refusal {
  return refusal(BAD_SCHEDULE, call, problem);
}

export function needsJetStream(call: ScheduleCall): Refusal {
  return refusal(501, call, "schedules are kept in JetStream, and the NATS server has it switched off");
}

export function notConnected(call: ScheduleCall): Refusal {
  return refusal(503, call, "not connected to NATS; nothing was changed");
}

export function tooLarge(call: ScheduleCall, bytes: number, limit: number): Refusal {
  const what = `${bytes} bytes, with what it is kept with, are more than the server takes (max_payload ${limit})`;
  return refusal(413, call, what);
}

/** It may have been done all the same. */
export function noAnswerIn(call: ScheduleCall): Refusal {
  return refusal(504, call, `no answer within ${call.timeoutMs} ms`);
}

/** @param error the client's */
export function failedChange(call: ScheduleCall, error: unknown, stream: string): Refusal {
  if (isNoAnswer(error))
    return refusal(503, call, `there is no stream "${stream}", and it could not be made: start once with --provision`);
  const api = apiErrorIn(error);
  if (api instanceof JetStreamApiError) {
    const what = `stream "${stream}" did not take it: "${api.message}" (${api.code})`;
    return refusal(takesNothingNow(error) ? 507 : 409, call, what);
  }
  const cause = error instanceof errors.RequestError ? (error.cause ?? error) : error;
  if (cause instanceof errors.TimeoutError) return refusal(504, call, "NATS did not answer in time");
  return refusal(500, call, cause instanceof Error ? cause.message : String(cause));
}

export function mostBytes({ info }: NatsConnection): number {
  return info?.max_payload ?? Number.POSITIVE_INFINITY;
}

/** As a message of its stream. */
export function sizeOf(made: MadeSchedule, { headers, payload }: ScheduledContent): number {
  const text = entryText({ ...made, sinceMs: 0, progress: { doneMs: 0 } });
  const more = headers.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 4, 0);
  return text.length + more + payload.length + SPARE_BYTES;
}

function refusal(code: number, { key, operation }: ScheduleCall, why: string): Refusal {
  const name = operation === "put" ? "schedule" : "unschedule";
  return { ok: false, code, message: `ctx.${name}(${JSON.stringify(key)}): ${why}` };
}
