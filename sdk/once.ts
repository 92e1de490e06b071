// `ctx.once`: a part of a run that a later run of its message does not repeat.

/** What the part is given. */
export interface OnceGiven {
  /**
   * The same in every run of the message and on every replica, and that of no other message, handler, app or name: 43 letters, digits, `-`
   * and `_`. Hand it to the other side as its idempotency key.
   */
  readonly key: string;
}

/** @param name tells several parts of one handler apart */
export type Once = <Result>(name: string, part: (given: OnceGiven) => Result | Promise<Result>) => Promise<Result>;
