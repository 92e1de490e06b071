// What is answered to calls that could not be carried out.

import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { ttlRefusal } from "../../sdk/message-ttl.ts";
import type { CallAnswer, HandlerCall } from "../message/handler-call.ts";
import { takesNothingNow } from "../nats/jetstream-errors.ts";

export function sizeOf({ payload, headers }: HandlerCall): number {
  return payload.length + headers.length;
}

export function tooLarge(call: HandlerCall, limit: number): CallAnswer {
  const what = `${call.kind} to "${call.subject}": ${sizeOf(call)} bytes`;
  return {
    ok: false,
    code: 413,
    message: `${what} are more than the server takes (max_payload ${limit})${kindHint(call)}`,
  };
}

function kindHint({ kind }: HandlerCall): string {
  return kind === "publish" ? ". `largePayloads: true` in handlers.config.ts keeps such contents in a bucket" : "";
}

export function notConnected({ kind, subject }: HandlerCall): CallAnswer {
  return { ok: false, code: 503, message: `${kind} to "${subject}": not connected to NATS; nothing was sent` };
}

/** Nobody hears of it. */
export function givenUp({ subject }: HandlerCall): CallAnswer {
  return { ok: false, code: 503, message: `request to "${subject}": the worker that made it has ended` };
}

export function noReply({ kind, subject, timeoutMs }: HandlerCall): CallAnswer {
  const what = kind === "publish" ? "confirmation" : "reply";
  return { ok: false, code: 504, message: `${kind} to "${subject}": no ${what} within ${timeoutMs} ms` };
}

export function refusedRequest({ subject }: HandlerCall, stream: string): CallAnswer {
  const message = `request to "${subject}": stream "${stream}" takes this subject, and would answer before any handler could. Publish to it, or request a subject that no stream takes`;
  return { ok: false, code: 400, message };
}

export function refusedTtl({ subject }: HandlerCall, stream: string | undefined): CallAnswer {
  return { ok: false, code: 400, message: ttlRefusal(subject, stream) };
}

/** The answer to a call that failed with the client's error. */
export function failedCall(call: HandlerCall, error: unknown): CallAnswer {
  const what = `${call.kind} to "${call.subject}"`;
  if (error instanceof JetStreamApiError) {
    const message = `${what}: its stream did not take it: "${error.message}" (${error.code})`;
    return { ok: false, code: takesNothingNow(error) ? 507 : 409, message, streamCode: error.code };
  }
  const cause = error instanceof errors.RequestError ? (error.cause ?? error) : error;
  if (cause instanceof errors.NoRespondersError)
    return { ok: false, code: 503, message: `${what}: nobody takes this subject` };
  if (cause instanceof errors.TimeoutError) return noReply(call);
  return { ok: false, code: 500, message: `${what} failed: ${cause instanceof Error ? cause.message : String(cause)}` };
}
