// How a run ends, and what follows from something a handler has thrown: a verdict of the author's, or a failure.

import { verdictOf } from "../../sdk/verdicts.ts";
import type { Outcome } from "../message/outcome.ts";
import { serializeError } from "../wire/serialize-error.ts";
import { NotSerializableError } from "./encode-payload.ts";

/** How a run can end by itself; a death or a deadline is for others to tell. */
export type RunOutcome = Extract<
  Outcome,
  { kind: "returned" | "filtered" | "threw" | "gave-up" | "retry-later" | "slow-down" | "invalid" | "not-serializable" }
>;

export function outcomeOfThrown(thrown: unknown): RunOutcome {
  const error = serializeError(thrown);
  const verdict = verdictOf(thrown);
  if (verdict?.kind === "give-up") return { kind: "gave-up", error };
  if (verdict?.kind === "retry-later") return { kind: "retry-later", error, delayMs: verdict.delayMs };
  if (verdict?.kind === "slow-down") return { ...verdict, error };
  return { kind: NotSerializableError.is(thrown) ? "not-serializable" : "threw", error };
}
