// Which stored messages a version would refuse before its handler is called: its payload format, and its schema.

import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { inLots } from "./lots.ts";
import type { StreamMessages } from "./messages-of.ts";
import { loadVersion, type VersionSource } from "./version-run.ts";

export interface Refused {
  /** Of the message in its stream. */
  readonly sequence: number;
  /** What is wrong with it. */
  readonly error: string;
}

export interface Refusals {
  readonly stream: string;
  /** How many were looked at. */
  readonly messages: number;
  /** How many of them would be refused. */
  readonly refused: number;
  /** The first of these. */
  readonly examples: readonly Refused[];
}

const MOST_EXAMPLES = 100;

/** None of the author's functions is called. `messages` undefined: nothing keeps them. Rejects with a RuntimeError. */
export async function refusalsOf(
  source: VersionSource,
  messages: (metadata: ResolvedMetadata) => Promise<StreamMessages | undefined>,
): Promise<Refusals | undefined> {
  const loaded = await loadVersion(source);
  let end = () => loaded.end();
  try {
    const found = await messages(loaded.metadata);
    if (found === undefined) return undefined;
    const run = await loaded.start(found.idPrefix, true);
    end = () => run.end();
    const examples: Refused[] = [];
    let [count, refused] = [0, 0];
    for await (const lot of inLots(found.all)) {
      const deliveries = lot();
      for (const [at, { outcome, error }] of (await run.run(deliveries)).entries()) {
        count++;
        if (outcome === "returned") continue;
        if (++refused <= MOST_EXAMPLES) examples.push({ sequence: deliveries[at]!.seq, error });
      }
    }
    return { stream: found.stream, messages: count, refused, examples };
  } finally {
    await end();
  }
}
