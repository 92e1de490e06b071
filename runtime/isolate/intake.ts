// When a worker is read from. Node goes on reading from one socket as long as it finds its buffer filled, up to 32 times,
// before any other socket is looked at: a worker that sends a flood would hold up its neighbours for all of that.
//
// I1  After a read that filled the buffer the others have their turn. What has been read already waits in the stream,
//     which holds no more than a buffer or two; the rest waits in the worker's process.
// I2  Between `hold` and `release` nothing is read.
// I3  Once the worker has ended, everything it sent is read, whatever holds.

import type { Socket } from "node:net";

const FULL_READ_BYTES = 64 * 1024;

export class Intake {
  private readonly socket: Socket;
  private holds = 0;
  private isLast = false;

  constructor(socket: Socket, read: (chunk: Buffer) => void) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
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
