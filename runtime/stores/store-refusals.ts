// What a handler is told of a call to a bucket that went wrong: what happened, and what to do. Pure.

import { type StoreAnswer, type StoreCall, storeCallText } from "../message/store-call.ts";
import {
  ApiCode,
  apiErrorIn,
  deniedSubject,
  isApiError,
  isNoAnswer,
  takesNothingNow,
} from "../nats/jetstream-errors.ts";
import { streamOf } from "./bucket-streams.ts";

/** JetStream's: beyond the stream's max_msg_size. */
const TOO_LARGE = 10054;

export function refusalOf(call: StoreCall, error: unknown): StoreAnswer {
  const what = storeCallText(call);
  const refused = (code: number, why: string): StoreAnswer => ({ ok: false, code, message: `${what}: ${why}` });
  const denied = deniedSubject(error);
  if (denied !== undefined)
    return refused(
      403,
      `this connection may not publish to "${denied}"; \`handlers permissions\` prints what its user needs`,
    );
  if (isApiError(error, ApiCode.wrongLastSequence, ApiCode.wrongLastSequenceConstant))
    return refused(409, changed(call));
  if (isApiError(error, TOO_LARGE))
    return refused(413, `${call.value.length} bytes are more than the bucket takes (max_msg_size of its stream)`);
  const answered = apiErrorIn(error);
  if (takesNothingNow(error) || isNoAnswer(error))
    return refused(
      507,
      answered === undefined ? "JetStream did not answer" : `the server says "${answered.message}" (${answered.code})`,
    );
  if (answered !== undefined) return refused(500, `the server says "${answered.message}" (${answered.code})`);
  const said = error instanceof Error ? error.message : String(error);
  return refused(said.startsWith("invalid key") ? 400 : 500, said);
}

export function noAnswerIn(call: StoreCall): StoreAnswer {
  return { ok: false, code: 504, message: `${storeCallText(call)}: no answer within ${call.timeoutMs} ms` };
}

export function notConnected(call: StoreCall): StoreAnswer {
  return { ok: false, code: 503, message: `${storeCallText(call)}: not connected to NATS; nothing was sent` };
}

export function noBucket(call: StoreCall): StoreAnswer {
  const how = call.store === "kv" ? `nats kv add ${call.bucket}` : `nats object add ${call.bucket}`;
  const message = `${storeCallText(call)}: there is no such bucket (stream ${streamOf(call)}). Make it: \`${how}\`, or \`handlers start --provision\``;
  return { ok: false, code: 404, message };
}

/** Before it is sent: the server would end the connection. */
export function tooLarge(call: StoreCall, limit: number): StoreAnswer {
  const message = `${storeCallText(call)}: ${call.value.length} bytes are more than the server takes (max_payload ${limit}). Keep it with ctx.objects`;
  return { ok: false, code: 413, message };
}

function changed({ operation, revision }: StoreCall): string {
  if (operation === "create") return "there is one already";
  return `it is not at revision ${revision} any more: another has written since. Get it again`;
}
