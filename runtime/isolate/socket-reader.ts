// When a worker is read from. Node goes on reading from one socket as long as it finds its buffer filled, up to 32 times,
// before any other socket is looked at: a worker that sends a flood would hold up its neighbours for all of that.
//
// I1  After a read that filled the buffer the others have their turn; the rest waits in the worker's process.
// I2  Between `hold` and `release` nothing is read.
// I3  Once the worker has ended, everything it sent is read, whatever holds.

import type { Socket } from "node:net";
import { directRead, FULL_READ_BYTES } from "../wire/direct-read.ts";

export class SocketReader {
  /** To be used in place of the one that was given. */
  readonly socket: Socket;
  private holds = 0;
  private isLast = false;

  /** `read`: the bytes are good until it returns. */
  constructor(given: Socket, read: (chunk: Buffer) => void) {
    this.socket = directRead(given, (chunk) => {
      if (chunk.length >= FULL_READ_BYTES) this.letOthersIn();
      read(chunk);
    });
  }

  hold(): void {
    this.holds++;
    if (!this.isLast) this.socket.pause();
  }

  release(): void {
    if (--this.holds === 0) this.socket.resume();
  }

  /** I3. */
  readToTheEnd(): void {
    this.isLast = true;
    this.socket.resume();
  }

  /** I1. */
  private letOthersIn(): void {
    this.hold();
    setImmediate(() => this.release());
  }
}
