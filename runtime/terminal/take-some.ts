// Hands bytes to an output without waiting for whoever reads them.

import { writeSync } from "node:fs";

interface Handle {
  readonly fd?: number;
  setBlocking?(blocking: boolean): number;
}

/** The reader is slow, or the disk is full: another try may do. */
const FOR_NOW = new Set(["EAGAIN", "ENOSPC", "EDQUOT", "EINTR"]);

/**
 * Gives a function that writes what is taken at once, and returns how many bytes that were. What nobody will ever read
 * counts as taken: `onGone` is told of it.
 */
export function takerOf(
  stream: NodeJS.WriteStream,
  onGone: (bytes: Uint8Array) => void,
): (bytes: Uint8Array) => number {
  const fd = withoutWaiting(stream);
  return (bytes) => {
    try {
      return writeSync(fd, bytes);
    } catch (error) {
      if (FOR_NOW.has((error as NodeJS.ErrnoException).code ?? "")) return 0;
      onGone(bytes);
      return bytes.length;
    }
  };
}

/**
 * A descriptor of the stream's on which a write does not wait. Found, not assumed: Node has no name for it. A pipe is made so
 * by Node; a terminal has been opened anew for it, so that nobody else is affected. Files do not wait.
 */
function withoutWaiting(stream: NodeJS.WriteStream): number {
  const { _handle: handle, fd } = stream as NodeJS.WriteStream & { _handle?: Handle | null; fd: number };
  if (handle?.fd === undefined || handle.fd < 0) return fd;
  if (stream.isTTY && handle.fd !== fd) handle.setBlocking?.(false);
  return handle.fd;
}
