// A span for each run of a message, from its hand-over to a worker to its end. It is made here, in the supervisor, because
// here it is known how a run ended whose worker looped or died.
//
// R1  The parent is the span that published the message; a retry is one more child of it.
// R2  From the hand-over on the delivery's headers carry the run's span: to the handler, with what that publishes, and
//     into the dead letter.
// R3  A run cut short through no fault of its own ends without an error, and the next one has a span of its own.

import { type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { explain, stackOf } from "../deliver/settle.ts";
import type { Delivery } from "../message/delivery.ts";
import type { DeliverySpans, RunsAbout } from "../message/delivery-spans.ts";
import { deliveryIdOf } from "../message/message-id.ts";
import { isFailure, type Outcome } from "../message/outcome.ts";
import type { WorkerPort } from "../message/worker-port.ts";
import { claimOn } from "../metadata/claims.ts";
import { redactedText } from "../observe/redact.ts";
import { contextIn, withContext } from "./message-context.ts";

interface OpenRun {
  readonly span: Span;
  /** The headers as they came. */
  readonly received: Uint8Array | undefined;
}

export class RunSpans implements DeliverySpans {
  private readonly tracer: Tracer;
  private readonly open = new Map<Delivery, OpenRun>();

  constructor(tracer: Tracer) {
    this.tracer = tracer;
  }

  around(worker: WorkerPort, about: RunsAbout): WorkerPort {
    return {
      pid: worker.pid,
      deliver: (id, delivery) => {
        this.begin(delivery, about);
        worker.deliver(id, delivery);
      },
      deliverBatch: (id, deliveries) => {
        for (const delivery of deliveries) this.begin(delivery, about);
        worker.deliverBatch(id, deliveries);
      },
      abort: (id, why) => worker.abort(id, why),
      whereBlocked: () => worker.whereBlocked(),
      terminate: (because) => worker.terminate(because),
    };
  }

  ended(delivery: Delivery, outcome: Outcome): void {
    const run = this.open.get(delivery);
    if (run === undefined) return;
    this.open.delete(delivery);
    finish(run.span, outcome);
  }

  private begin(delivery: Delivery, about: RunsAbout): void {
    const before = this.open.get(delivery);
    if (before !== undefined) finish(before.span, { kind: "given-back", why: "it is run again" }); // R3
    const received = before === undefined ? delivery.headers : before.received;
    const parent = contextIn(received);
    const template = claimOn(about.subjects, delivery.subject) ?? delivery.subject;
    const options = { kind: SpanKind.CONSUMER, attributes: attributesOf(delivery, template, about) };
    const span = this.tracer.startSpan(`process ${template}`, options, parent);
    delivery.headers = withContext(received, trace.setSpan(parent, span));
    this.open.set(delivery, { span, received });
  }
}

function attributesOf(delivery: Delivery, template: string, { handler, version, groups, idPrefixes }: RunsAbout) {
  return {
    "messaging.system": "nats",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": delivery.subject,
    "messaging.destination.template": template,
    "messaging.consumer.group.name": groups[delivery.origin ?? 0] ?? groups[0],
    "messaging.message.id": deliveryIdOf(idPrefixes, delivery),
    "messaging.message.body.size": delivery.data.length,
    "handlers.handler": handler,
    "handlers.version": version,
    "handlers.attempt": delivery.attempt,
  };
}

function finish(span: Span, outcome: Outcome): void {
  span.setAttribute("handlers.outcome", outcome.kind);
  if (isFailure(outcome) && outcome.kind !== "given-back") fail(span, outcome);
  span.end();
}

function fail(span: Span, outcome: Outcome): void {
  const message = redactedText(explain(outcome));
  const stack = redactedText(stackOf(outcome));
  const name = "error" in outcome ? outcome.error.name : outcome.kind;
  span.setAttribute("error.type", outcome.kind);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.recordException({ name, message, ...(stack === "" ? {} : { stack }) });
}
