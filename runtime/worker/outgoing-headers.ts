// The headers of what a handler publishes and requests: its own, those that go on from its message, how many hops it is from the
// first publish, and the trace.

import { HOPS_HEADER } from "../message/delivery.ts";
import { encodeHeaders, headerProblem } from "../message/header-block.ts";
import type { StartRequest } from "../wire/protocol.ts";
import type { HeadersInput } from "./call-options.ts";
import type { ReceivedHeaders } from "./headers.ts";
import type { OwnTelemetry } from "./own-telemetry.ts";
import { propagatedHeaders } from "./propagated-headers.ts";
import { traceHeaders } from "./trace-headers.ts";

export interface Publishing {
  readonly start: Pick<StartRequest, "propagate">;
  readonly telemetry: OwnTelemetry | undefined;
}

/** Of what is published by a handler whose own message had no headers, without any of its own: most of all. */
export const FIRST_HOP = encodeHeaders([[HOPS_HEADER, "1"]]);

/** Encoded. `received`: those of the message that is handled, where it has any. Throws a TypeError for what cannot be a header. */
export function outgoingHeaders(
  publishing: Publishing,
  received: ReceivedHeaders | undefined,
  own: HeadersInput = {},
): Buffer {
  return encodeHeaders(listed(publishing, received, own));
}

/** Throws a TypeError for what cannot be a header. */
export function* statedHeaders(own: HeadersInput): Generator<[string, string]> {
  for (const [name, given] of Object.entries(own)) {
    for (const value of typeof given === "string" ? [given] : given) {
      const problem = headerProblem(name, String(value));
      if (problem !== undefined) throw new TypeError(problem);
      yield [name, String(value)];
    }
  }
}

function* listed(
  { start: { propagate }, telemetry }: Publishing,
  received: ReceivedHeaders | undefined,
  own: HeadersInput,
): Generator<[string, string]> {
  yield* statedHeaders(own);
  if (received !== undefined && propagate.length > 0) yield* propagatedHeaders(received, propagate, own);
  yield [HOPS_HEADER, String(Number(received?.get(HOPS_HEADER) ?? 0) + 1)];
  const active = telemetry?.current();
  if (active?.has("traceparent")) yield* traceHeaders(active, own);
  else if (received !== undefined) yield* traceHeaders(received, own);
}
