// The whole boundary between the supervisor and a worker: length-prefixed binary frames over an inherited socket.
//
// P1  A frame is `u32 length | u8 type | body`, big-endian; `length` counts type and body.
// P2  Everything written in one turn of the event loop leaves in one write; an idle side writes at once.
// P3  Neither side trusts a length: a frame above MAX_FRAME_BYTES breaks the connection.
// P4  Payload bytes are copied once into the outgoing batch, never shared and never cloned.
// P5  Where several handlers share a process each has a channel: a frame says whose the frames after it are, until the next
//     such frame. Where there is one handler there is none.

import type { Contract } from "../metadata/contract.ts";
import type { Envelope, Store, Uses } from "../metadata/handler-metadata.ts";

export const FrameType = {
  // supervisor -> worker
  load: 1,
  start: 2,
  deliver: 3,
  abort: 4,
  answer: 5,
  ping: 6,
  stop: 7,
  inspector: 8,
  /** Calls, one after the other, that went well and have no reply. */
  taken: 9,
  /** What has been delivered since the last one is a batch. */
  batch: 10,
  /** Which publishes need no answer: those to subjects of this first token. Empty: all need one again. */
  unanswered: 11,
  /** In both directions: what follows is of this channel (P5). */
  channel: 12,
  // worker -> supervisor
  hello: 20,
  loaded: 21,
  loadFailed: 22,
  ready: 23,
  done: 24,
  reply: 25,
  failed: 26,
  chunk: 27,
  publish: 28,
  request: 29,
  log: 30,
  pong: 31,
  stopped: 32,
  /** Waits in the worker behind an earlier one of its key, and does so no more. */
  held: 33,
  begun: 34,
  /** A publish that is to leave later. */
  publishLater: 35,
  /** How one message of a batch has ended. */
  named: 36,
  /** One that its stream is to keep for a while only: among its headers is how long. */
  publishBriefly: 37,
  /** A publish that is not answered: in place of its number is that of the delivery that made it. */
  publishUnanswered: 38,
  /** The process is about to end, and this handler of it is what it dies of. */
  blamed: 39,
  /** A function has returned before its message is settled. */
  deferred: 41,
  /** A publish that is carried out with the others of its run, or not at all. */
  publishTogether: 42,
  /** Asks something of a bucket. */
  store: 40,
} as const;

/** The worker finds its end of the socket here. */
export const WORKER_SOCKET_FD = 3;

/** Begins a line of a process of several handlers: what it prints from then on is of the channel that the line names. */
export const OUTPUT_MARK = "\0handlers:";

/** Larger than any NATS payload the server would take by default, with room for headers. */
export const MAX_FRAME_BYTES = 72 * 1024 * 1024;

const U32 = 2 ** 32;
const NOTHING = Buffer.alloc(0);
/** A buffer that has grown for one large batch is not kept for the small ones. */
const MOST_KEPT_BYTES = 1024 * 1024;

export const DELIVER_HAS_SUBJECT = 1;
export const DELIVER_HAS_HEADERS = 2;
export const DELIVER_HAS_STORED_AT = 4;
export const DELIVER_IS_AGAIN = 8;
export const DELIVER_HAS_ORIGIN = 16;

/** What a worker is told to load. Crosses as JSON. */
export interface LoadRequest {
  readonly handler: string;
  /** URL of the bundle. */
  readonly url: string;
  /** The bundle is the program of a group, and this is the handler to take from it. */
  readonly member?: string;
  /** URLs of what is imported before it. */
  readonly preload: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Port for the inspector, opened before the bundle is imported. */
  readonly inspectPort?: number;
  /** It is only looked at, and others after it in the same process. */
  readonly shared?: boolean;
  /** Also as JSON Schemas. */
  readonly describe?: boolean;
}

/** What a bundle turned out to export. Crosses as JSON: schemas and functions are replaced by marks. */
export interface LoadedModule {
  readonly metadata: unknown;
  /** `typeof` the default export; "async generator" (a function that streams its replies), "generator" or "class". */
  readonly defaultExport: string;
  /** What its schedule publishes, or what is wrong with that; absent where it has none (worker/schedule-payload.ts). */
  readonly schedulePayload?: { readonly text: string } | { readonly problem: string };
  /** Of one that was looked at: what it has left behind in the process (worker/aftermath.ts). */
  readonly aftermath?: "clean" | "changed" | "running";
  /** And paths of the code it has loaded beside itself; nothing: more than that decides what it says (worker/asked-for.ts). */
  readonly outside?: readonly string[];
  /** Where it was asked for. */
  readonly contract?: Contract;
}

/** How a loaded worker is to run. Crosses as JSON. */
export interface StartRequest {
  readonly app: string;
  readonly kind: "event" | "durable" | "request";
  readonly subjects: readonly string[];
  /** Deliveries are changes of it. */
  readonly store?: Store | undefined;
  readonly envelope: Envelope;
  /** Names of headers in small letters. */
  readonly propagate: readonly string[];
  readonly uses: Uses;
  readonly concurrency: number;
  /** Deliveries come in batches. */
  readonly batches?: boolean;
  readonly attempts: number;
  readonly timeoutMs: number;
  /** What a run publishes is carried out as one when it has returned; absent: each as it is published. */
  readonly outputs?: "each" | "atomic";
  /** Why messages cannot be settled after their function has returned (metadata/deferral.ts); absent: they can. */
  readonly cannotDefer?: string | undefined;
  /** They make of a delivery's numbers an id that is unique in time and space (message-id.ts). */
  readonly idPrefixes: readonly string[];
  /** What it does towards NATS is withheld: the author's code is told. */
  readonly shadow?: boolean;
  /** Payloads are decoded and checked, and that is all: neither the handler nor its `setup` is called. */
  readonly checksOnly?: boolean;
}

/** What a batch of that channel begins with (P5). */
export function channelOpening(channel: number): Uint8Array {
  const frame = Buffer.alloc(7);
  frame.writeUInt32BE(3, 0);
  frame[4] = FrameType.channel;
  frame.writeUInt16BE(channel, 5);
  return frame;
}

/** Appends frames to a batch. `take` hands the batch over and starts a new one. */
export class FrameWriter {
  private buffer: Buffer;
  private used = 0;
  private start = 0;
  private readonly initialBytes: number;
  private readonly opening: Uint8Array;

  /** `opening`: with what each batch begins. */
  constructor(initialBytes = 64 * 1024, opening: Uint8Array = NOTHING) {
    this.initialBytes = initialBytes;
    this.opening = opening;
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.open();
  }

  get pendingBytes(): number {
    return this.used - this.opening.length;
  }

  begin(type: number): void {
    this.start = this.used;
    this.ensure(5);
    this.used += 4;
    this.buffer[this.used++] = type;
  }

  end(): void {
    const length = this.used - this.start - 4;
    this.buffer.writeUInt32BE(length, this.start);
  }

  u8(value: number): void {
    this.ensure(1);
    this.buffer[this.used++] = value;
  }

  u16(value: number): void {
    this.ensure(2);
    this.used = this.buffer.writeUInt16BE(value, this.used);
  }

  u32(value: number): void {
    this.ensure(4);
    this.used = this.buffer.writeUInt32BE(value >>> 0, this.used);
  }

  /** A whole number up to 2^53, as two u32: quicker than a double. */
  u53(value: number): void {
    this.ensure(8);
    this.used = this.buffer.writeUInt32BE(value < U32 ? 0 : Math.floor(value / U32), this.used);
    this.used = this.buffer.writeUInt32BE(value >>> 0, this.used);
  }

  /** `u16 length | UTF-8`. Subjects are bounded far below by the server's max_control_line. */
  shortText(text: string): void {
    const most = text.length * 3;
    this.ensure(2 + most);
    const written = this.buffer.write(text, this.used + 2, "utf8");
    this.buffer.writeUInt16BE(written, this.used);
    this.used += 2 + written;
  }

  /** `u32 length | bytes`. */
  block(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  /** Bytes to the end of the frame. */
  bytes(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  /** UTF-8 text to the end of the frame. */
  text(text: string): void {
    this.ensure(text.length * 3);
    this.used += this.buffer.write(text, this.used, "utf8");
  }

  json(type: number, value: unknown): void {
    // Before the frame begins: a value that does not serialise must not leave half a frame behind.
    this.jsonText(type, JSON.stringify(value));
  }

  /** A frame of JSON that has been written already. */
  jsonText(type: number, json: string): void {
    this.begin(type);
    this.text(json);
    this.end();
  }

  /** Hand the frames so far to `write`, which says whether it is done with their bytes: they are used again then. */
  flush(write: (batch: Buffer) => boolean): void {
    if (this.pendingBytes === 0) return;
    const batch = this.buffer.subarray(0, this.used);
    if (!write(batch)) this.moveOn();
    else if (this.buffer.length > MOST_KEPT_BYTES) this.buffer = Buffer.allocUnsafeSlow(this.initialBytes);
    this.open();
  }

  private open(): void {
    this.used = this.opening.length;
    this.start = this.used;
    if (this.used > 0) this.buffer.set(this.opening);
  }

  /** The tail of a large buffer serves the next batches: most are far smaller than the buffer. */
  private moveOn(): void {
    const isLeft = this.buffer.length - this.used >= this.initialBytes / 4;
    this.buffer = isLeft ? this.buffer.subarray(this.used) : Buffer.allocUnsafeSlow(this.initialBytes);
  }

  private ensure(bytes: number): void {
    const needed = this.used + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2, this.initialBytes));
    this.buffer.copy(grown, 0, 0, this.used);
    this.buffer = grown;
  }
}

/** Called for each whole frame; `start` to `end` is the body. The bytes are only valid during the call. */
export type OnFrame = (type: number, bytes: Buffer, start: number, end: number) => void;

const LENGTH_BYTES = 4;

/** Cuts a stream of chunks into frames. Throws a RangeError when a length breaks P3. */
export class FrameReader {
  /** The frame that has begun in an earlier chunk: its length alone, until that is whole. */
  private begun = NOTHING;
  private have = 0;
  private readonly onFrame: OnFrame;

  constructor(onFrame: OnFrame) {
    this.onFrame = onFrame;
  }

  /** Keeps nothing of the chunk: the caller may use it again. */
  push(chunk: Buffer): void {
    const from = this.have > 0 ? this.goOn(chunk) : 0;
    const rest = this.cut(chunk, from);
    if (rest === chunk.length) return;
    this.begun = Buffer.allocUnsafeSlow(chunk.length - rest < LENGTH_BYTES ? LENGTH_BYTES : frameBytes(chunk, rest));
    this.have = chunk.copy(this.begun, 0, rest);
  }

  /** Hands out the frame that had begun, if it is whole now; returns what it took of the chunk. */
  private goOn(chunk: Buffer): number {
    let at = 0;
    for (;;) {
      const copied = chunk.copy(this.begun, this.have, at);
      at += copied;
      this.have += copied;
      if (this.have < this.begun.length) return at;
      if (this.have > LENGTH_BYTES) break;
      const whole = Buffer.allocUnsafeSlow(frameBytes(this.begun, 0));
      this.begun.copy(whole);
      this.begun = whole;
    }
    const frame = this.begun;
    this.begun = NOTHING;
    this.have = 0;
    this.onFrame(frame[LENGTH_BYTES]!, frame, LENGTH_BYTES + 1, frame.length);
    return at;
  }

  /** Hands out the whole frames; returns where the first incomplete one starts. */
  private cut(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + frameBytes(bytes, at);
      if (end > bytes.length) return at;
      this.onFrame(bytes[at + LENGTH_BYTES]!, bytes, at + LENGTH_BYTES + 1, end);
      at = end;
    }
    return at;
  }
}

/** Length of the frame that starts here, its length field included. */
function frameBytes(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at);
  if (length < 1 || length > MAX_FRAME_BYTES) throw new RangeError(`frame of ${length} bytes`);
  return LENGTH_BYTES + length;
}

export function readU53(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * U32 + bytes.readUInt32BE(at + 4);
}

/** More than a worker of ours says in JSON at once; to read it would hold up everybody else. */
const MOST_JSON_BYTES = 4 * 1024 * 1024;

/** Throws a RangeError for what is longer than a worker's, a SyntaxError for what is none. */
export function jsonBody<T>(bytes: Buffer, start: number, end: number): T {
  if (end - start > MOST_JSON_BYTES) throw new RangeError(`${end - start} bytes of JSON`);
  return JSON.parse(bytes.toString("utf8", start, end)) as T;
}
