// Batches leave through one system call of ours. A stream's write costs several times as much in objects, callbacks and
// ticks, which is most of the time of a lone message; for what does not fit into the socket's buffer it is the right place.

import { writeSync } from "node:fs";
import type { Socket } from "node:net";

/** Above, the stream's own costs no longer matter. */
const MOST_BYTES = 64 * 1024;

/**
 * Writes in order, without blocking. The caller gives the bytes away. A broken socket shows where it always does: in the
 * socket's `error` or `close`.
 *
 * @param fd the socket's descriptor, non-blocking; undefined: everything goes through the stream
 */
export function directWrite(socket: Socket, fd: number | undefined): (batch: Buffer) => void {
  return (batch) => {
    if (fd === undefined || batch.length > MOST_BYTES || socket.writableLength > 0) return void socket.write(batch);
    const written = writeSome(fd, batch);
    if (written < batch.length) socket.write(written === 0 ? batch : batch.subarray(written));
  };
}

function writeSome(fd: number, batch: Buffer): number {
  try {
    return writeSync(fd, batch, 0, batch.length);
  } catch {
    return 0; // Full, or broken: the stream waits, or tells.
  }
}
