// What a run publishes with `outputs: "atomic"`: kept back until its function has returned, and handed over as one.
//
// K1  What is published is kept as it is then, whatever becomes of the author's bytes.
// K2  Nothing is handed over where the function throws, or its time is up.
// K3  What could not be stored with the rest is refused when it is published: what is to leave later, what a part of the run publishes
//     that a later run would leave out (once.ts), what an `effect` has to publish before it empties its outbox.
// K4  The function has ended, and what it publishes after that is refused: the rest is on its way.

import { MOST_TOGETHER } from "../wire/call-frame.ts";

const MOST_BYTES = 32 * 1024 * 1024;

/** A message, encoded. */
export interface Output {
  readonly subject: string;
  readonly timeoutMs: number;
  readonly headers: Buffer;
  readonly payload: string | Uint8Array;
  /** Of the delivery's calls, counted from 1. */
  readonly count: number;
}

/** What takes one of `count` outputs over the boundary. Resolves when all of them are stored. */
export type SendOutput = (output: Output, count: number) => Promise<unknown>;

export class KeptOutputs {
  private readonly kept: Output[] = [];
  private bytes = 0;
  private hasEnded = false;

  get isEmpty(): boolean {
    return this.kept.length === 0;
  }

  /** Throws NOT_ATOMIC (K4) and TOO_MANY_OUTPUTS. */
  keep(output: Output): void {
    const { subject, payload, headers } = output;
    if (this.hasEnded) throw notAtomic(subject, "the function has ended, and what it published is on its way");
    const bytes = this.bytes + payload.length + headers.length;
    if (this.kept.length === MOST_TOGETHER || bytes > MOST_BYTES) throw tooMany(subject);
    this.bytes = bytes;
    // K1.
    this.kept.push(typeof payload === "string" ? output : { ...output, payload: payload.slice() });
  }

  /** The function has returned. Rejects with what the first of them is refused with: nothing is stored then. */
  async send(send: SendOutput): Promise<void> {
    this.hasEnded = true;
    const { kept } = this;
    await Promise.all(kept.map((output) => send(output, kept.length)));
  }
}

/** K3. */
export function notAtomic(subject: string, why: string): Error {
  const message = `publish to "${subject}": the handler has \`outputs: "atomic"\`, and ${why}`;
  return Object.assign(new Error(message), { code: "NOT_ATOMIC" });
}

/** K2. */
export function tooLate(): Error {
  return new Error("the function has returned after its signal aborted, so that nothing it published is stored");
}

function tooMany(subject: string): Error {
  const message = `publish to "${subject}": with \`outputs: "atomic"\` a run publishes at most ${MOST_TOGETHER} messages, and ${MOST_BYTES} bytes`;
  return Object.assign(new Error(message), { code: "TOO_MANY_OUTPUTS" });
}
