// A span for each message a handler publishes or requests. Its parent is what the message's headers say: the run, or a
// span of the author's in it.

import { SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { type Call, type HandlerCall, lasting } from "../message/handler-call.ts";
import { redactedText } from "../observe/redact.ts";
import { contextIn, withContext } from "./message-context.ts";

export function inCallSpan(tracer: Tracer, send: Call): Call {
  return async (call) => {
    const parent = contextIn(call.headers);
    const options = { kind: SpanKind.PRODUCER, attributes: attributesOf(call) };
    const span = tracer.startSpan(`${call.kind} ${call.subject}`, options, parent);
    const answer = await send({ ...lasting(call), headers: withContext(call.headers, trace.setSpan(parent, span)) });
    if (!answer.ok) {
      span.setAttribute("error.type", String(answer.code));
      span.setStatus({ code: SpanStatusCode.ERROR, message: redactedText(answer.message) });
    }
    span.end();
    return answer;
  };
}

function attributesOf({ kind, subject, messageId, payload }: HandlerCall) {
  return {
    "messaging.system": "nats",
    "messaging.operation.name": kind,
    "messaging.operation.type": "send",
    "messaging.destination.name": subject,
    "messaging.message.id": messageId,
    "messaging.message.body.size": payload.length,
  };
}
