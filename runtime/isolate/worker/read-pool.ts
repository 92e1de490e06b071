// Where the socket's bytes are read to. A stream left to itself takes 64 KB anew for each read, however little there is.

const POOL_BYTES = 256 * 1024;
/** What a read may find at once is worth more than the rest of a buffer. */
const LEAST_BYTES = 64 * 1024;

/** What has been read stays as it is for as long as somebody holds it. */
export class ReadPool {
  private rest = Buffer.allocUnsafeSlow(POOL_BYTES);

  /** Room for the next read. */
  readonly room = (): Buffer => {
    if (this.rest.length < LEAST_BYTES) this.rest = Buffer.allocUnsafeSlow(POOL_BYTES);
    return this.rest;
  };

  /** The bytes just read into the room. */
  take(bytes: number): Buffer {
    const taken = this.rest.subarray(0, bytes);
    this.rest = this.rest.subarray(bytes);
    return taken;
  }
}
