// What goes to the server is written into one buffer that is used again and again, and leaves by one system call. The
// client itself makes for each command a string, its bytes and a list of parts, puts them together once more when it
// flushes, and hands them to a stream with a promise.
//
// O1  The server gets the same bytes at the same moments: test/contract/fast-writer.test.ts holds the two side by side.
// O2  What the socket does not take at once goes through the stream, as does everything that is no plain TCP.
// O3  The client's parts are found, not assumed: a version that is built otherwise is left alone.

import { Socket } from "node:net";
import { descriptorOf, directWrite } from "../wire/direct-write.ts";

/** The client's list of what waits to be flushed, as far as the client itself uses it. */
interface DataBuffer {
  /** Parts; the client asks only whether there are any. */
  length(): number;
  /** Bytes. */
  size(): number;
  fill(first: Uint8Array, ...more: Uint8Array[]): void;
  drain(): Uint8Array;
  reset(): void;
}

interface PublishOptions {
  readonly reply?: string;
  readonly headers?: { encode(): Uint8Array };
}

interface Transport {
  readonly socket?: Socket;
  readonly options?: { readonly debug?: boolean };
  readonly isClosed: boolean;
  send(bytes: Uint8Array): void;
}

export interface ClientProtocol {
  outbound: DataBuffer;
  outBytes: number;
  outMsgs: number;
  readonly connected: boolean;
  readonly infoReceived: boolean;
  readonly pendingLimit: number;
  readonly info?: { readonly max_payload: number; readonly headers?: boolean };
  readonly transport: Transport;
  publish(subject: string, payload?: Uint8Array | string, options?: PublishOptions): void;
  flushPending(): void;
}

const INITIAL_BYTES = 64 * 1024;
/** A buffer that has grown for one large message is not kept for the small ones. */
const MOST_KEPT_BYTES = 1024 * 1024;
const CR = 13;
const LF = 10;
const NOTHING = new Uint8Array(0);

/** O3. True when what this connection sends goes this way, also after reconnects. */
export function installFastWriter(connection: object): boolean {
  const { protocol } = connection as { protocol?: Partial<ClientProtocol> };
  if (!isAsExpected(protocol)) return false;
  const outbound = new Outbound();
  if (protocol.outbound.size() > 0) outbound.fill(protocol.outbound.drain());
  const publish = protocol.publish.bind(protocol);
  const flushPending = () => {
    if (protocol.infoReceived && protocol.connected) outbound.leave(protocol.transport);
  };
  protocol.outbound = outbound;
  protocol.flushPending = flushPending;
  protocol.publish = (subject, payload = NOTHING, options = {}) => {
    const { reply, headers } = options;
    const { info } = protocol;
    // What the client would refuse, or would make bytes of, is its own business.
    if (typeof payload === "string" || info === undefined) return publish(subject, payload, options);
    const head = headers?.encode();
    const size = payload.length + (head === undefined ? 0 : head.length);
    if (size > info.max_payload || (head !== undefined && info.headers !== true)) {
      return publish(subject, payload, options);
    }
    protocol.outBytes += size;
    protocol.outMsgs++;
    const wasEmpty = outbound.length() === 0;
    outbound.message(subject, reply, head, payload);
    if (wasEmpty) queueMicrotask(flushPending);
    else if (outbound.size() >= protocol.pendingLimit) flushPending();
  };
  return true;
}

function isAsExpected(protocol: Partial<ClientProtocol> | undefined): protocol is ClientProtocol {
  const { outbound, transport } = protocol ?? {};
  return (
    [outbound?.length, outbound?.size, outbound?.fill, outbound?.drain, outbound?.reset].every(isFunction) &&
    [protocol?.publish, protocol?.flushPending, transport?.send].every(isFunction) &&
    [protocol?.outBytes, protocol?.outMsgs, protocol?.pendingLimit].every((value) => typeof value === "number") &&
    typeof protocol?.connected === "boolean" &&
    typeof protocol.infoReceived === "boolean"
  );
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

class Outbound implements DataBuffer {
  private buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private used = 0;
  private socket: Socket | undefined;
  private write: ((batch: Buffer) => boolean) | undefined;

  length(): number {
    return this.used === 0 ? 0 : 1;
  }

  size(): number {
    return this.used;
  }

  fill(first: Uint8Array, ...more: Uint8Array[]): void {
    this.bytes(first);
    for (const part of more) this.bytes(part);
  }

  /** The bytes are the caller's. */
  drain(): Uint8Array {
    const all = this.buffer.subarray(0, this.used);
    this.buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.used = 0;
    return all;
  }

  reset(): void {
    if (this.buffer.length > MOST_KEPT_BYTES) this.buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.used = 0;
  }

  message(subject: string, reply: string | undefined, headers: Uint8Array | undefined, payload: Uint8Array): void {
    const to = reply === undefined || reply === "" ? subject : `${subject} ${reply}`;
    if (headers === undefined) this.line(`PUB ${to} ${payload.length}\r\n`);
    else {
      this.line(`HPUB ${to} ${headers.length} ${headers.length + payload.length}\r\n`);
      this.bytes(headers);
    }
    this.bytes(payload);
    this.ensure(2);
    this.buffer[this.used++] = CR;
    this.buffer[this.used++] = LF;
  }

  /** O2. */
  leave(transport: Transport): void {
    if (this.used === 0) return;
    const write = this.writeTo(transport);
    if (write === undefined) return transport.send(this.drain());
    // The stream holds on to what it was given.
    if (!write(this.buffer.subarray(0, this.used))) this.buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.reset();
  }

  private writeTo({ socket, options, isClosed }: Transport): ((batch: Buffer) => boolean) | undefined {
    if (socket === undefined || isClosed || options?.debug === true || socket.constructor !== Socket) return undefined;
    // A reconnect brings another socket.
    if (socket !== this.socket) {
      this.socket = socket;
      this.write = directWrite(socket, descriptorOf(socket));
    }
    return this.write;
  }

  private line(text: string): void {
    this.ensure(text.length * 3);
    this.used += this.buffer.write(text, this.used, "utf8");
  }

  private bytes(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  private ensure(bytes: number): void {
    const needed = this.used + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.used);
    this.buffer = grown;
  }
}
