// The messages that a row publishes, numbered from 1.

/**
 * `ends`: handled after `ms`. `throws`: at every attempt. `dies`, `loops`, `eats`: takes its process with it at every attempt,
 * by a signal, an endless loop, all its memory. `dies-last`: throws, and dies at its last attempt.
 */
export type Deed = "ends" | "throws" | "dies" | "dies-last" | "loops" | "eats";

export interface Message {
  readonly id: number;
  readonly does: Deed;
  /** How long the work takes; some milliseconds unless given. */
  readonly ms?: number;
  /** Fills the payload. */
  readonly filling?: string;
}

/** Of every so many messages one throws whenever it is run. */
export const BAD_EVERY = 50;

/** What is published unless the row has something else in mind. */
export function usualMessage(id: number): Message {
  return { id, does: id % BAD_EVERY === BAD_EVERY / 2 ? "throws" : "ends" };
}

/** Whether it can become a letter only. */
export function failsAlways({ does }: Message): boolean {
  return does !== "ends";
}
