// A handler that has been told to go slower pauses, in every replica: what it is told by does not matter here.

/** Words, for log and status. */
export interface SlowDownWords {
  /** Milliseconds from now. */
  readonly delayMs: number;
  /** The author's. */
  readonly why: string;
}

export interface SlowDowns {
  /** Has the other replicas pause the handler too. Never throws. */
  tell(handler: string, words: SlowDownWords): void;
  /** Hears what other replicas tell of the handler, until what is returned is called. */
  watch(handler: string, heard: (words: SlowDownWords) => void): () => void;
}
