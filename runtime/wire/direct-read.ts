// Bytes arrive in one buffer of ours. A stream left to itself takes 64 KB anew for each read, however little there is,
// and sends every chunk through its own buffer.

import { Socket, type SocketConstructorOpts } from "node:net";

/** One for all: what is read is used up before the next read, of whichever socket. */
const BUFFER = Buffer.allocUnsafeSlow(16 * 1024);
export const FULL_READ_BYTES = BUFFER.length;

interface Handle {
  readonly fd?: number;
}

/**
 * Hand all that comes to `onBytes`; the bytes are good until it returns. The socket just made must not have been read
 * from. Returns the socket to use in its place from now on.
 */
export function directRead(socket: Socket, onBytes: (bytes: Buffer) => void): Socket {
  const owner = socket as unknown as { _handle?: Handle | null };
  const handle = owner._handle;
  // Found, not assumed: Node hands a socket's insides over to nobody officially.
  if (handle?.fd === undefined || handle.fd < 0) return socket.on("data", onBytes);
  owner._handle = null;
  const options: object = {
    handle,
    readable: true,
    writable: true,
    onread: {
      buffer: BUFFER,
      callback(length: number) {
        onBytes(BUFFER.subarray(0, length));
        return true;
      },
    },
  };
  return new Socket(options as SocketConstructorOpts);
}
