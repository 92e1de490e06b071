// Where the socket's bytes are read to. A stream left to itself takes 64 KB anew for each read, however little there is.

const POOL_BYTES = 256 * 1024;
/** What a read may find at once is worth more than the rest of a buffer. */
const LEAST_BYTES = 64 * 1024;

/** What has been read stays as it is until `reuse`. */
export class ReadPool {
  private pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  private used = 0;

  /** Room for the next read. */
  readonly room = (): Buffer => {
    if (POOL_BYTES - this.used < LEAST_BYTES) {
      this.pool = Buffer.allocUnsafeSlow(POOL_BYTES);
      this.used = 0;
    }
    return this.pool.subarray(this.used);
  };

  /** The bytes just read into the room. */
  take(bytes: number): Buffer {
    const start = this.used;
    this.used += bytes;
    return this.pool.subarray(start, this.used);
  }

  /** Nobody holds anything that was taken. */
  reuse(): void {
    this.used = 0;
  }
}
