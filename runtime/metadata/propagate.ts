// Which headers of a message go on to what its handler publishes and requests.

import { listOf, problem, type Read, type Reader } from "./options.ts";

const EXAMPLE = 'must be a list of names of headers, such as ["x-request-id"]';
const BY_THEMSELVES = new Set(["traceparent", "tracestate", "baggage"]);

/** In small letters, each once. */
export function readPropagate(raw: unknown): Read<readonly string[]> {
  const read = listOf(headerName, EXAMPLE)(raw);
  return "value" in read ? { value: [...new Set(read.value)] } : read;
}

const headerName: Reader<string> = (raw) => {
  if (typeof raw !== "string" || !/^[!-9;-~]{1,256}$/.test(raw))
    return problem('must list names of headers, in printable ASCII without spaces or ":", such as "x-request-id"', raw);
  const name = raw.toLowerCase();
  const refusal = refusalOf(name);
  return refusal === undefined ? { value: name } : problem(refusal, raw);
};

function refusalOf(name: string): string | undefined {
  if (name.startsWith("nats-")) return 'must not name headers that start with "Nats-": they belong to the server';
  if (name.startsWith("handlers-"))
    return 'must not name headers that start with "Handlers-": the runtime writes them itself';
  if (BY_THEMSELVES.has(name)) return "must not name headers of the trace: they go on by themselves";
  if (name === "content-type") return "must not name Content-Type: it says what the message's own payload is";
  return undefined;
}
