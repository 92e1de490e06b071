// A message as it has arrived in a worker, before anything of it was looked at.

export interface Arrival {
  /** Number of this hand-over, for frames. */
  readonly frameId: number;
  readonly seq: number;
  readonly origin: number;
  readonly storedAtMs: number | undefined;
  readonly again: boolean;
  readonly attempt: number;
  readonly subject: string;
  /** A copy: it may be read long after the batch is gone. */
  readonly headerBytes: Buffer | undefined;
  /** Where in its frame the payload begins. */
  readonly payloadStart: number;
}
