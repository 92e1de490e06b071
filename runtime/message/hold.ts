// What holds a handler: it is bound and has a version that serves, and its messages do not reach it all the same. The
// cause lies outside of it (a right, a limit, an operator's pause, a full disk), so it is no state of the handler's own.
// Whoever sees a hold begin and end says so on the board it was given; log, status, `/readyz` and metrics read the board.

export type HoldReason =
  /** The server does not let us subscribe any more. */
  | "subscription-refused"
  /** The server does not take our pull requests. */
  | "pulls-refused"
  /** The server does not take our acknowledgements. */
  | "acks-refused"
  /** JetStream does not answer, or not for this consumer. */
  | "no-answer"
  /** What the handler publishes into streams is not stored. */
  | "writes-refused"
  /** The handler has been told to go slower. */
  | "slowed-down"
  /** Turns of its rate over all replicas cannot be reserved. */
  | "turns-unreserved"
  /** Messages of some keys wait: the handler has been told to go slower with these. */
  | "keys-slowed-down"
  /** An operator has paused the consumer. */
  | "paused"
  /** Messages that wait for their retry use up what may be unacknowledged. */
  | "retries-waiting"
  /** The same limit is reached by what other replicas have in flight, as far as we can see. */
  | "ack-limit"
  /** Messages wait, there is room for them, none comes, and nothing says why. */
  | "stalled";

export interface Hold {
  readonly reason: HoldReason;
  /** What happened, with the text of the server's error where there is one. */
  readonly text: string;
  readonly remedy: string;
  readonly sinceMs: number;
}

export interface HoldBoard {
  /** Again with the same reason: the text is replaced, the hold is not new. */
  begin(hold: Omit<Hold, "sinceMs">): void;
  /** Nothing happens when there is none for that reason. */
  end(reason: HoldReason): void;
}

/** For what is told in another way. */
export const NO_BOARD: HoldBoard = { begin: () => undefined, end: () => undefined };
