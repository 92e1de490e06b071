// A handler that was enabled to begin slowly: with fewer messages at a time than it could, or with a few only.

import type { Rate } from "../metadata/handler-metadata.ts";

/** So many messages are let through in all replicas together; then it is off again. */
export interface FirstMessages {
  readonly count: number;
  /** So many of them have not been let through yet. */
  readonly left: number;
  /** When it was asked for, which tells it from others of the same handler. */
  readonly saidMs: number;
}

/** As an operator wants it. At least one of `rate` and `first` is there. */
export interface SlowStartWords {
  /** In each replica. */
  readonly rate?: Rate;
  readonly first?: FirstMessages;
  readonly by: string;
  readonly sinceMs: number;
}

export interface SlowStarts {
  /** Hears what holds now, at once, and all that comes, until what is returned is called. */
  watch(handler: string, heard: (words: SlowStartWords | undefined) => void): () => void;
  /** What holds now, for whoever asks. */
  of(handler: string): SlowStartWords | undefined;
  /**
   * Have so many of the first messages counted, here, before they begin. Resolves with how many may: 0 when none is left.
   * Rejects while it cannot be asked for.
   */
  letThrough(handler: string, first: FirstMessages, wanted: number): Promise<number>;
}
