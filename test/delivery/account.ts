// The account of a row: every message that the stream has confirmed was handled, or is a letter with its own reason.
//
// A1  A message is to be handled by each of those who take it, and each of them is asked for it.
// A2  A letter is right when its message fails always and the letter says so in the words of the failure. A letter of a
//     message that could have been handled is wrong, unless the row says that it may be.
// A3  What a change takes away by what it is (a stream that is purged) is not missed, and is counted.

import { failsAlways, type Message } from "./message.ts";

/** One line of the ledger: a message was handled to its end. */
export interface Run {
  readonly id: number;
  /** Who did it: the name that the row has given the handler. */
  readonly by: string;
  readonly version: string;
}

export interface Letter {
  readonly id: number;
  readonly by: string;
  readonly reason: string;
  readonly text: string;
}

export interface Account {
  readonly published: number;
  /** Messages that were handled at least once by all who take them. */
  readonly handled: number;
  /** Messages that somebody handled more than once. */
  readonly twice: number;
  readonly letters: number;
  /** Neither handled nor a letter, as `id by`. */
  readonly lost: readonly string[];
  /** A2: letters that should not be, or that do not say why. */
  readonly wrong: readonly string[];
  /** Messages that the row took away itself (A3). */
  readonly taken: number;
}

export interface Books {
  readonly sent: readonly Message[];
  readonly runs: readonly Run[];
  readonly letters: readonly Letter[];
  /** A1. */
  readonly takers: (message: Message) => readonly string[];
  /** A3. */
  readonly excused: ReadonlySet<number>;
  readonly rightLetter: (letter: Letter, message: Message) => boolean;
}

export function accountOf({ sent, runs, letters, takers, excused, rightLetter }: Books): Account {
  const times = counted(runs.map(keyOf));
  const lettered = new Set(letters.map(keyOf));
  const lost: string[] = [];
  let handled = 0;
  let taken = 0;
  for (const message of sent) {
    const keys = takers(message).map((by) => keyOf({ id: message.id, by }));
    if (keys.every((key) => times.has(key))) handled++;
    const missing = keys.filter((key) => !times.has(key) && !lettered.has(key));
    if (!excused.has(message.id)) lost.push(...missing);
    else if (missing.length > 0) taken++;
  }
  const byId = new Map(sent.map((message) => [message.id, message]));
  const wrong = letters.filter((letter) => {
    const message = byId.get(letter.id);
    return message === undefined || !rightLetter(letter, message);
  });
  return {
    published: sent.length,
    handled,
    twice: new Set([...times].filter(([, count]) => count > 1).map(([key]) => key.split(" ")[0])).size,
    letters: lettered.size,
    lost,
    taken,
    wrong: wrong.map(({ id, by, reason, text }) => `${id} ${by}: ${reason}: ${text}`),
  };
}

/** A2, where nothing ends but by what the message does. */
export function ownReason({ id, reason, text }: Letter, message: Message): boolean {
  if (!failsAlways(message)) return false;
  if (message.does === "throws") return reason === "threw" && text.includes(`bad ${id}`);
  return reason !== "expired";
}

function keyOf({ id, by }: { readonly id: number; readonly by: string }): string {
  return `${id} ${by}`;
}

function counted(keys: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1);
  return times;
}
