// What a test gets to see of how a run ended.

import type { PayloadFormat } from "../../sdk/payload.ts";
import type { HandlerRun, TestOutcome, TestSettlement } from "../../sdk/testing.ts";
import { explain, settle } from "../deliver/settle.ts";
import type { Outcome } from "../message/outcome.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { readBytes } from "./read-bytes.ts";
import type { EndedRun } from "./run-module.ts";

/** A test's retries wait for just as long as the metadata says. */
export const MIDDLE_OF_SPREAD = 0.5;

/** What of a run follows from its outcome. */
export type OutcomeReport = Pick<HandlerRun, "outcome" | "error" | "settlement" | "reply" | "replies">;

export function reportOf(run: EndedRun, metadata: ResolvedMetadata, format: PayloadFormat): OutcomeReport {
  const { outcome, attempt, chunks } = run;
  const { kind, envelope, retry, streamsReply } = metadata;
  const rule = { kind, envelope, attempts: retry.attempts, backoffMs: retry.backoffMs, streamsReply, version: "" };
  const read = (reply: Uint8Array) => (typeof format === "string" ? readBytes(reply) : format.decode(reply));
  return {
    outcome: outcome.kind as TestOutcome,
    error: errorOf(outcome),
    settlement: spoken(settle(outcome, attempt, rule, MIDDLE_OF_SPREAD)),
    reply: outcome.kind === "returned" && outcome.reply?.length ? read(outcome.reply) : undefined,
    replies: chunks.map(read),
  };
}

function errorOf(outcome: Outcome): HandlerRun["error"] {
  if ("error" in outcome) return outcome.error;
  if (outcome.kind === "invalid") return { name: "InvalidPayload", message: outcome.message, stack: "" };
  if (outcome.kind !== "timed-out") return undefined;
  if (outcome.deferred === true) return { name: "TimeoutError", message: explain(outcome), stack: "" };
  return { name: "TimeoutError", message: `did not return within ${outcome.timeoutMs} ms`, stack: "" };
}

/** Without what only the binding needs. */
function spoken(settlement: Settlement): TestSettlement {
  switch (settlement.do) {
    case "dead-letter":
      return { do: "dead-letter", reason: settlement.reason, text: settlement.text };
    case "reply":
    case "put-off":
      return { do: settlement.do };
    case "reply-error":
      return { do: "reply-error", code: settlement.code, text: settlement.text };
    case "run-again":
      return { do: "run-again", delayMs: settlement.delayMs };
    case "retry":
    case "done":
    case "ack":
      return settlement;
    case "give-back":
    case "drop":
      throw new Error(`a run ends with ${settlement.do} only when the handler could not be run`);
  }
}
