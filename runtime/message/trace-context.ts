// The W3C trace context in a message's headers: to which trace the message belongs.

import { decodeHeaders } from "./header-block.ts";

/** Version, trace id, parent id, flags; later versions may append more. Ids of zeros only are none. */
const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/** Undefined where there is no valid `traceparent`. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : TRACE_PARENT.exec(traceparent)?.[1];
}

/** The same, from encoded headers: for the few messages that are told of. */
export function traceIdIn(headers: Uint8Array | undefined): string | undefined {
  if (headers === undefined) return undefined;
  const [, traceparent] = decodeHeaders(Buffer.from(headers)).find(([name]) => /^traceparent$/i.test(name)) ?? [];
  return traceIdOf(traceparent);
}
