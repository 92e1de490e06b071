// Batches leave through one system call of ours. A stream's write costs several times as much in objects, callbacks and
// ticks, which is most of the time of a lone message; for what does not fit into the socket's buffer it is the right place.

import { writeSync } from "node:fs";
import type { Socket } from "node:net";

/**
 * Writes in order, without blocking. True when the socket has taken everything, and the caller may use the bytes again. A
 * broken socket shows where it always does: in the socket's `error` or `close`.
 *
 * @param fd the socket's descriptor, non-blocking; undefined: everything goes through the stream
 */
export function directWrite(socket: Socket, fd: number | undefined): (batch: Buffer) => boolean {
  return (batch) => {
    if (!socket.writable) return true; // It is closed: there is nobody to write to.
    const written = fd === undefined || socket.writableLength > 0 ? 0 : writeSome(fd, batch);
    if (written < batch.length) socket.write(written === 0 ? batch : batch.subarray(written));
    return written === batch.length;
  };
}

/** Found, not assumed: Node has no name for it. Undefined where there is none, as on Windows. */
export function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  return handle?.fd === undefined || handle.fd < 0 ? undefined : handle.fd;
}

function writeSome(fd: number, batch: Buffer): number {
  try {
    return writeSync(fd, batch, 0, batch.length);
  } catch {
    return 0; // Full, or broken: the stream waits, or tells.
  }
}
