// Publishes headers byte by byte, as clients of other languages may: the server looks at none of them.

import { once } from "node:events";
import { connect } from "node:net";

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n';

export interface RawMessage {
  readonly subject: string;
  readonly reply?: string;
  /** All of it, from `NATS/1.0` to the empty line; Latin-1 unless it is bytes. */
  readonly block: string | Buffer;
  readonly payload?: string;
}

/** Resolves when the server has taken it, and the connection is closed. Rejects with what the server says against it. */
export async function publishRaw(
  port: number,
  { subject, reply = "", block, payload = "{}" }: RawMessage,
): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const head = typeof block === "string" ? Buffer.from(block, "latin1") : block;
  const size = head.length + Buffer.byteLength(payload);
  socket.write(`${CONNECT}HPUB ${subject} ${reply} ${head.length} ${size}\r\n`);
  socket.write(Buffer.concat([head, Buffer.from(`${payload}\r\nPING\r\n`)]));
  let said = "";
  for await (const chunk of socket) {
    said += String(chunk);
    if (said.includes("-ERR")) throw new Error(said.slice(said.indexOf("-ERR")));
    if (said.includes("PONG\r\n")) break; // The iterator closes the socket.
  }
}
