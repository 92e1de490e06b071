// Headers that the NATS client refuses, and the server does not: a name with a space or a letter of no ASCII, a value with a line
// feed. Clients of other languages send them, and a message that cannot be read would stand still.
//
// H1  The client reads a block by itself; only one that it refuses is read here, by the same rules but for that. What is no
//     header in it, as a line without a colon, is left out.
// H2  What was read so is written so: a dead letter and a copy have all the headers of their message.
// H3  The client's parts are found, not assumed: a version that is built otherwise is left alone, and the unit test fails.

import { headers as createHeaders, type MsgHdrs } from "@nats-io/transport-node";

type Entries = Map<string, string[]>;
type Decode = (block: Uint8Array) => MsgHdrs;

const encoder = new TextEncoder();
const text = new TextDecoder();
const taught = new WeakSet<object>();

/** H1, H3. True when all messages of this process are read this way. Twice is safe. */
export function readForeignHeaders(): boolean {
  const kind = createHeaders().constructor as unknown as { decode?: Decode };
  if (taught.has(kind)) return true;
  const { decode } = kind;
  if (typeof decode !== "function" || entriesOf(createHeaders()) === undefined) return false;
  taught.add(kind);
  kind.decode = (block) => {
    try {
      return decode.call(kind, block);
    } catch {
      // That it was refused says only that it has to be read line by line.
      return readByLine(block, (status) => decode.call(kind, status));
    }
  };
  return true;
}

function readByLine(block: Uint8Array, decode: Decode): MsgHdrs {
  const [status = "", ...lines] = text.decode(block).split("\r\n");
  const headers = decode(encoder.encode(`${status}\r\n\r\n`));
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon >= 0) put(headers, line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}

/** H2. Throws the client's error for what no message can have had: a line's end within a header. */
export function headersAsRead(pairs: Iterable<readonly [name: string, value: string]>): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of pairs) {
    try {
      headers.append(name, value);
    } catch (refused) {
      if (`${name}: ${value}`.includes("\r\n") || !put(headers, name, value)) throw refused;
    }
  }
  return headers;
}

/** H3. False: it cannot be put there. */
function put(headers: MsgHdrs, name: string, value: string): boolean {
  const entries = entriesOf(headers);
  const values = entries?.get(name);
  if (values === undefined) entries?.set(name, [value]);
  else values.push(value);
  return entries !== undefined;
}

/** Its own, by name. */
function entriesOf(headers: MsgHdrs): Entries | undefined {
  const { headers: entries } = headers as unknown as { headers?: unknown };
  return entries instanceof Map ? (entries as Entries) : undefined;
}
