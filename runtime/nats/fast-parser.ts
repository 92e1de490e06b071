// Cuts whole messages out of what the server sends, several times as fast as the client's own parser, which looks at every
// byte through a state machine. Everything else, and whatever looks unusual, goes to that parser.
//
// Measured: a supervisor that only passes messages on spends more than a third of its time in the client's parser.
//
// M1  The client sees the same messages in the same order: test/contract/fast-parser.test.ts holds the two side by side.
// M2  Only between two operations: while the client's parser is in the middle of one, it gets everything.
// M3  What is cut off at the end of a chunk waits for the next one, unless it is large: the client's parser gathers
//     large messages without copying what it has at every chunk.
// M4  The client's parts are found, not assumed: a version that is built otherwise is left alone.

/** The arguments of one message, as the client's own parser gives them. */
interface MessageArguments {
  readonly subject: Uint8Array;
  readonly reply: Uint8Array | undefined;
  readonly sid: number;
  /** Length of the headers, -1 without. */
  readonly hdr: number;
  /** Headers and payload together. */
  readonly size: number;
}

export interface ParserLike {
  state: number;
  parse(chunk: Uint8Array): void;
  readonly dispatcher: { processMsg(message: MessageArguments, data: Uint8Array): void };
}

const BETWEEN_OPERATIONS = 0;
const LARGE_BYTES = 64 * 1024;
/** The server's own limit for a line, `max_control_line`, unless set otherwise. */
const MOST_LINE_BYTES = 4 * 1024;
const CR = 13;
const LF = 10;
const SPACE = 32;
const ZERO = 48;

class CutMessage implements MessageArguments {
  readonly sid: number;
  readonly hdr: number;
  readonly size: number;
  private readonly chunk: Uint8Array;
  private readonly subjectStart: number;
  private readonly subjectEnd: number;
  private readonly replyStart: number;
  private readonly replyEnd: number;

  constructor(chunk: Uint8Array, line: Line, sid: number, hdr: number, size: number) {
    this.chunk = chunk;
    this.sid = sid;
    this.hdr = hdr;
    this.size = size;
    this.subjectStart = line.starts[0]!;
    this.subjectEnd = line.ends[0]!;
    this.replyStart = line.hasReply ? line.starts[2]! : 0;
    this.replyEnd = line.hasReply ? line.ends[2]! : 0;
  }

  /** Made when asked for: most messages come over a subscription to a single subject, and without a reply. */
  get subject(): Uint8Array {
    return this.chunk.subarray(this.subjectStart, this.subjectEnd);
  }

  get reply(): Uint8Array | undefined {
    return this.replyEnd === 0 ? undefined : this.chunk.subarray(this.replyStart, this.replyEnd);
  }
}

/** The words of the line just read. One is enough: it is used up before the next line is read. */
interface Line {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  words: number;
  hasReply: boolean;
}

const MOST_WORDS = 5;
const line: Line = { starts: new Int32Array(MOST_WORDS), ends: new Int32Array(MOST_WORDS), words: 0, hasReply: false };

/** M4. True when the connection's parser, and those of its later reconnects, cut messages this way. Twice is safe. */
export function installFastParser(connection: object): boolean {
  const { parser } = (connection as { protocol?: { parser?: Partial<ParserLike> } }).protocol ?? {};
  if (typeof parser?.parse !== "function" || typeof parser.state !== "number") return false;
  if (typeof parser.dispatcher?.processMsg !== "function") return false;
  // A reconnect makes a new parser, so it is their common prototype that learns it.
  return teach(Object.getPrototypeOf(parser) as ParserLike);
}

const taught = new WeakSet<object>();

/** Exported for the contract test. */
export function teach(prototype: ParserLike): boolean {
  if (taught.has(prototype) || typeof prototype.parse !== "function") return taught.has(prototype);
  taught.add(prototype);
  const parse = prototype.parse;
  const rests = new WeakMap<ParserLike, Uint8Array>();
  prototype.parse = function cutOrParse(this: ParserLike, chunk: Uint8Array): void {
    // M2.
    if (this.state !== BETWEEN_OPERATIONS) return parse.call(this, chunk);
    const rest = rests.get(this);
    if (rest === undefined) return goOn(this, chunk, 0);
    rests.delete(this);
    const message = completed(rest, chunk);
    if (message === undefined || cut(this, message, 0) === 0) return goOn(this, Buffer.concat([rest, chunk]), 0);
    goOn(this, chunk, message.length - rest.length);
  };
  function goOn(parser: ParserLike, bytes: Uint8Array, from: number): void {
    const at = cut(parser, bytes, from);
    if (at === bytes.length) return;
    // M3.
    if (isCutOff(bytes, at)) rests.set(parser, Uint8Array.prototype.slice.call(bytes, at));
    else parse.call(parser, at === 0 ? bytes : bytes.subarray(at));
  }
  return true;
}

/** The message that begins in `rest`, when it ends in `chunk`: of a large chunk only its beginning has to be copied. */
function completed(rest: Uint8Array, chunk: Uint8Array): Uint8Array | undefined {
  const begun = Buffer.concat([rest, chunk.subarray(0, MOST_LINE_BYTES)]);
  const length = messageLength(begun);
  if (length === undefined || length <= rest.length || length > rest.length + chunk.length) return undefined;
  if (length <= begun.length) return begun.subarray(0, length);
  return Buffer.concat([rest, chunk.subarray(0, length - rest.length)]);
}

/** Of a message whose line is whole, or undefined. */
function messageLength(bytes: Uint8Array): number | undefined {
  const lineEnd = readLine(bytes, isWord(bytes, 0, "HMSG ") ? 5 : 4);
  const size = lineEnd === -1 ? -1 : readNumber(bytes, line.words - 1);
  return size < 0 ? undefined : lineEnd + 2 + size + 2;
}

/** Hands out whole messages; returns where the first thing starts that is none. */
function cut(parser: ParserLike, bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const withHeaders = isWord(bytes, at, "HMSG ");
    if (!withHeaders && !isWord(bytes, at, "MSG ")) return at;
    const lineEnd = readLine(bytes, at + (withHeaders ? 5 : 4));
    if (lineEnd === -1) return at;
    const numbers = withHeaders ? 2 : 1;
    line.hasReply = line.words === 3 + numbers;
    if (!line.hasReply && line.words !== 2 + numbers) return at;
    const sid = readNumber(bytes, 1);
    const size = readNumber(bytes, line.words - 1);
    const hdr = withHeaders ? readNumber(bytes, line.words - 2) : -1;
    const start = lineEnd + 2;
    if (sid < 0 || size < 0 || hdr < -1 || hdr > size || start + size + 2 > bytes.length) return at;
    const message = new CutMessage(bytes, line, sid, hdr, size);
    at = start + size + 2;
    parser.dispatcher.processMsg(message, bytes.subarray(start, start + size));
  }
}

const WORDS: Readonly<Record<string, Uint8Array>> = { "MSG ": Buffer.from("MSG "), "HMSG ": Buffer.from("HMSG ") };

function isWord(bytes: Uint8Array, at: number, word: "MSG " | "HMSG "): boolean {
  const expected = WORDS[word]!;
  if (bytes[at] !== expected[0] || at + expected.length > bytes.length) return false;
  for (let index = 1; index < expected.length; index++) {
    if (bytes[at + index] !== expected[index]) return false;
  }
  return true;
}

/** Reads the words up to CR LF into `line`. Returns where the CR is, or -1 when the line is not whole or not as usual. */
function readLine(bytes: Uint8Array, from: number): number {
  let words = 0;
  let start = from;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte > SPACE) continue;
    if (byte !== SPACE && byte !== CR) return -1;
    if (at === start || words === MOST_WORDS) return -1;
    line.starts[words] = start;
    line.ends[words] = at;
    words++;
    start = at + 1;
    if (byte === CR) {
      line.words = words;
      return bytes[at + 1] === LF ? at : -1;
    }
  }
  return -1;
}

/** The word as a number, or -2 when it is none. */
function readNumber(bytes: Uint8Array, word: number): number {
  const end = line.ends[word]!;
  let value = 0;
  for (let at = line.starts[word]!; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return -2;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether a message starts here whose end has not come yet, and that is small enough to wait for (M3). */
function isCutOff(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at > LARGE_BYTES) return false;
  const withHeaders = isWord(bytes, at, "HMSG ");
  if (!withHeaders && !isWord(bytes, at, "MSG ")) return false;
  const lineEnd = readLine(bytes, at + (withHeaders ? 5 : 4));
  if (lineEnd === -1) return bytes.indexOf(LF, at) === -1;
  const size = readNumber(bytes, line.words - 1);
  return size >= 0 && size <= LARGE_BYTES;
}
