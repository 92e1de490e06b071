// Speaks with the inspector of another Node process: a WebSocket over loopback (RFC 6455), as far as that takes. Node's own
// WebSocket needs 200 to 300 ms of CPU time to load, and it is wanted when a core is being burnt already.

import { createConnection, type Socket } from "node:net";

const TEXT = 0x81;
const MASKED = 0x80;
/** Lengths that fit into the second byte of a frame; two markers for those that take 2 and 8 bytes more. */
const MOST_SHORT = 125;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;
/** Source maps and stacks are far smaller. */
const MOST_BYTES = 16 * 1024 * 1024;

export interface DebuggerSocket {
  /** Up to 125 bytes. */
  send(text: string): void;
  close(): void;
}

export interface DebuggerListener {
  opened(): void;
  message(text: string): void;
  /** Closed by either side, or broken. Called once. */
  closed(): void;
}

/** `url`: as the process announces it, `ws://127.0.0.1:PORT/ID`. */
export function openDebugger(url: string, listener: DebuggerListener): DebuggerSocket {
  const { hostname, port, pathname } = new URL(url);
  const socket = createConnection({ host: hostname, port: Number(port) }, () =>
    socket.write(upgrade(pathname, hostname)),
  );
  let received: Buffer = Buffer.alloc(0);
  let isOpen = false;
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    if (!isOpen) isOpen = shakesHands();
    if (isOpen) received = handOut(received, listener);
    if (received.length > MOST_BYTES) socket.destroy();
  });
  function shakesHands(): boolean {
    const end = received.indexOf("\r\n\r\n");
    if (end === -1) return false;
    if (!received.toString("latin1", 0, end).startsWith("HTTP/1.1 101 ")) socket.destroy();
    received = received.subarray(end + 4);
    listener.opened();
    return true;
  }
  socket.on("error", () => undefined); // "close" follows.
  socket.once("close", () => listener.closed());
  return { send: (text) => sendText(socket, text), close: () => socket.destroy() };
}

/** The key is checked by nobody here: both ends are this machine's, and the path is a secret of the process. */
function upgrade(path: string, host: string): string {
  const key = Buffer.from("nats-handlers-16").toString("base64");
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
}

/** Masked, as a client has to, with a mask of zeros. */
function sendText(socket: Socket, text: string): void {
  const body = Buffer.from(text, "utf8");
  if (body.length > MOST_SHORT) throw new RangeError(`${body.length} bytes for the inspector`);
  socket.write(Buffer.concat([Buffer.from([TEXT, MASKED | body.length, 0, 0, 0, 0]), body]));
}

/** Returns what is left: the beginning of a frame. */
function handOut(bytes: Buffer, { message }: DebuggerListener): Buffer {
  let at = 0;
  while (bytes.length - at >= 2) {
    const short = bytes[at + 1]! & ~MASKED;
    const start = at + 2 + (short === TWO_BYTES ? 2 : short === EIGHT_BYTES ? 8 : 0);
    if (start > bytes.length) break;
    const length =
      short < TWO_BYTES ? short : short === TWO_BYTES ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
    if (start + length > bytes.length) break;
    if (bytes[at] === TEXT) message(bytes.toString("utf8", start, start + length));
    at = start + length;
  }
  return bytes.subarray(at);
}
