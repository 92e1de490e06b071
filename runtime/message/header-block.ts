// Message headers as they cross the boundary: in the form they have between client and server, so that what a handler
// publishes goes on as it is. A line that names the version, `name: value` lines in the order of the message, an empty line.

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

const NO_HEADERS = Buffer.from("NATS/1.0\r\n\r\n", "utf8");
const LINE_END_BYTES = 2;

/** No pair has a line's end in it: what has come was cut at them, and `headerProblem` refuses them. */
export function encodeHeaders(pairs: Iterable<readonly [string, string]>): Buffer {
  let text = "NATS/1.0\r\n";
  for (const [name, value] of pairs) text += `${name}: ${value}\r\n`;
  return Buffer.from(`${text}\r\n`, "utf8");
}

/** A block with one header more. Without a look at those that it has. */
export function withHeader(block: Uint8Array, name: string, value: string): Buffer {
  const line = Buffer.from(`${name}: ${value}\r\n\r\n`, "utf8");
  const before = block.length === 0 ? NO_HEADERS : block;
  return Buffer.concat([before.subarray(0, before.length - LINE_END_BYTES), line]);
}

export function decodeHeaders(bytes: Buffer): HeaderPairs {
  const pairs: [string, string][] = [];
  for (const line of bytes.toString("utf8").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) pairs.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return pairs;
}

/** What is wrong with a header an author set, or undefined. Names are printable ASCII without `:` or space (RFC 5322 field names). */
export function headerProblem(name: string, value: string): string | undefined {
  if (!/^[!-9;-~]+$/.test(name))
    return `header name ${JSON.stringify(name)} must be printable ASCII without spaces or ":"`;
  if (/[\r\n]/.test(value)) return `header "${name}" must not contain line breaks, but is ${JSON.stringify(value)}`;
  if (/^nats-/i.test(name)) return `header "${name}" is refused: names starting with "Nats-" belong to the server`;
  return undefined;
}
