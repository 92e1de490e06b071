// Runs dead letters through a version of their handler, and says which would pass now. Nothing becomes of them by that.

import { streamIdPrefix } from "../bind/stream-settler.ts";
import type { LetterDetails } from "../dead-letters/dead-letter-box.ts";
import { type Delivery, HOPS_HEADER } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import type { OutcomeKind } from "../message/outcome.ts";
import { loadVersion, type VersionSource } from "./version-run.ts";

export interface TriedLetter {
  readonly id: number;
  /** It would not become a letter again: the run returned, or the handler's `when` lets it pass. */
  readonly passes: boolean;
  /** As in dead letters: `returned`, `threw`, ...; `untried`: there is nothing to run. */
  readonly outcome: string;
  /** Why it does not pass; empty: it does. */
  readonly error: string;
}

export interface TryRequest {
  readonly source: VersionSource;
  /** All of one handler. Read only when they have their turn: each may be large. */
  readonly letters: readonly { readonly id: number; readonly stream: string | undefined }[];
  readonly read: (id: number) => Promise<LetterDetails | undefined>;
  readonly onProgress: (done: number) => void;
}

const LOT = 64;
const PASSING: ReadonlySet<string> = new Set<OutcomeKind>(["returned", "filtered"]);

/** In the order of the letters. Rejects with a RuntimeError when the version does not come up. */
export async function tryLetters({ source, letters, read, onProgress }: TryRequest): Promise<TriedLetter[]> {
  const tried = new Map<number, TriedLetter>();
  // What a message is called begins with its stream (message-id.ts).
  for (const [stream, some] of Map.groupBy(letters, (letter) => letter.stream)) {
    const loaded = await loadVersion(source);
    const prefix = stream === undefined ? "letter:" : streamIdPrefix(stream, loaded.metadata.domain);
    const run = await loaded.start(prefix);
    try {
      for (let at = 0; at < some.length; at += LOT) {
        const found = await Promise.all(some.slice(at, at + LOT).map(({ id }) => read(id)));
        const lot = found.filter((letter) => letter !== undefined).filter(isRunnable);
        const seen = await run.run(lot.map(deliveryOf));
        for (const [place, { outcome, error }] of seen.entries()) {
          const { id } = lot[place]!;
          tried.set(id, { id, passes: passes(outcome), outcome, error });
        }
        onProgress(tried.size);
      }
    } finally {
      await run.end();
    }
  }
  return letters.map(({ id }) => tried.get(id) ?? untried(id));
}

/** It would not become a letter. */
export function passes(outcome: string): boolean {
  return PASSING.has(outcome);
}

/** Undefined: there is nothing to run. */
export function letterDelivery(letter: LetterDetails): Delivery | undefined {
  return isRunnable(letter) ? deliveryOf(letter) : undefined;
}

function isRunnable({ gone, returnTo }: LetterDetails): boolean {
  return !gone && returnTo === undefined;
}

function untried(id: number): TriedLetter {
  return {
    id,
    passes: false,
    outcome: "untried",
    error: "its payload is gone, or its handler has published it and never ran it",
  };
}

function deliveryOf({ id, subject, data, headers, sequence, storedAtMs, stream }: LetterDetails): Delivery {
  const hops = headers.find(([name]) => name === HOPS_HEADER)?.[1];
  return {
    subject,
    data,
    headers: headers.length === 0 ? undefined : encodeHeaders(headers),
    seq: stream === undefined ? id : sequence,
    storedAtMs: stream === undefined ? undefined : storedAtMs,
    attempt: 1,
    hops: Number(hops) || 0,
  };
}
