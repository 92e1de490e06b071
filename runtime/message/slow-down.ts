// A handler that has been told to go slower pauses, in every replica: what it is told by does not matter here.

import type { MessageKey } from "../metadata/handler-metadata.ts";

/** Of a pause, whoever asks for it. As the sdk has it. */
export const LONGEST_PAUSE_MS = 3_600_000;

/** Words, for log and status. */
export interface SlowDownWords {
  /** Milliseconds from now, up to `LONGEST_PAUSE_MS`. */
  readonly delayMs: number;
  /** The author's. */
  readonly why: string;
  /** Undefined: all messages of the handler pause. */
  readonly only?: PausedKey | undefined;
}

/** Messages that have this in common. */
export interface PausedKey {
  readonly key: MessageKey;
  readonly value: string;
}

export interface SlowDowns {
  /** Has the other replicas pause the handler too. Never throws. */
  tell(handler: string, words: SlowDownWords): void;
  /** Hears what other replicas tell of the handler, until what is returned is called. */
  watch(handler: string, heard: (words: SlowDownWords) => void): () => void;
}
