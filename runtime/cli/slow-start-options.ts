// `enable NAME --rate 20/s --first 10`: how slowly a handler is to begin.

import type { StatusReply } from "../control/control-protocol.ts";
import type { Intent } from "../control/intent.ts";
import { keepsRate } from "../control/slow-start-text.ts";
import { type HandlerSummary, summarize } from "../control/summary.ts";
import { RuntimeError } from "../errors.ts";
import { readRate } from "../metadata/rate.ts";
import { readCount } from "./dead-letter-filter.ts";

export interface SlowStartOptions {
  readonly rate?: string;
  readonly first?: string;
}

export type Slowly = Pick<Intent, "rate" | "first">;

/** Each of them is counted in the bucket before it begins. */
const MOST_FIRST = 1_000;

/** Undefined: as fast as it can. Throws USAGE. */
export function readSlowStart({ rate, first }: SlowStartOptions): ((nowMs: number) => Slowly) | undefined {
  const read = rate === undefined || rate === "off" ? undefined : readRate(rate);
  if (read !== undefined && !("value" in read))
    throw new RuntimeError("USAGE", `--rate ${read.problem.replace(/^must/, "has to")}; "off" ends it`);
  const count = first === undefined ? undefined : readCount("--first", first);
  if (count !== undefined && count > MOST_FIRST) {
    const message = `--first lets ${MOST_FIRST} messages through at most; received ${count}`;
    throw new RuntimeError("USAGE", message, { remedy: "For more, --rate says how many begin in a second." });
  }
  if (read === undefined && count === undefined) return undefined;
  return (nowMs) => ({
    ...(read === undefined ? {} : { rate: read.value }),
    ...(count === undefined ? {} : { first: { count, left: count, saidMs: nowMs } }),
  });
}

/** Throws USAGE where a rate is asked of what cannot keep it. */
export function assertKeepsRate(names: readonly string[], replies: readonly StatusReply[]): void {
  const cannot = summarize(replies).filter((one) => names.includes(one.name) && !keepsRate(one));
  if (cannot.length === 0) return;
  const remedy = "Enable it without --rate, or with --first; of a pattern, name those that can keep one.";
  throw new RuntimeError("USAGE", cannot.map(whyNot).join("\n"), { remedy });
}

function whyNot({ name, batch }: HandlerSummary): string {
  return batch === undefined
    ? `"${name}" can keep no --rate: requesters would wait for their turn in vain`
    : `"${name}" can keep no --rate: it takes batches, and a rate counts single messages`;
}
