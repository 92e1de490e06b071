// What to do with a message once its delivery has ended. Pure: the binding carries it out.
//
// | outcome                    | event       | request           | durable                                     |
// | returned                   | done        | reply             | ack                                         |
// | filtered                   | done        | error 503         | ack                                         |
// | invalid                    | dead letter | error 400, issues | dead letter                                 |
// | threw, not serializable    | dead letter | error 500         | nak with delay; dead letter on last attempt |
// | gave up                    | dead letter | error 422         | dead letter                                 |
// | could not publish, as NATS | dead letter | error 500         | put off: uncharged for a while, then        |
// | is away, full, out of order|             |                   | as threw                                    |
// | slow down                  | run again   | error 429         | run again                                   |
// | retry later                | dead letter | error 503         | nak(d or delay); dead letter on last one    |
// | timed out                  | dead letter | error 504         | as threw                                    |
// | cancelled by an operator   | dead letter | error 500         | dead letter                                 |
// | crashed, out of memory     | dead letter | error 500         | as threw                                    |
// | too many hops              | dead letter | error 508         | dead letter                                 |
// | queue full                 | drop        | error 429         | give back                                   |
// | given back                 | drop        | error 503         | give back                                   |

import { assertNever } from "../errors.ts";
import { errorBody } from "../message/error-body.ts";
import { errorPacket } from "../message/nest-packet.ts";
import { isFailure, type Outcome } from "../message/outcome.ts";
import type { Settlement } from "../message/settlement.ts";
import { UNAVAILABLE } from "../message/unavailable.ts";
import type { Envelope, HandlerKind, ResolvedMetadata } from "../metadata/handler-metadata.ts";

export interface SettleRule {
  readonly kind: HandlerKind;
  /** Of requests: errors are replied in it too. */
  readonly envelope: Envelope;
  readonly attempts: number;
  readonly backoffMs: readonly number[];
  /** A streamed reply ends with an empty message, an error too (ADR-47). */
  readonly streamsReply: boolean;
  /** Of the bundle, for the dead letter. */
  readonly version: string;
}

/** @param version of the bundle */
export function ruleOf({ kind, envelope, retry, streamsReply }: ResolvedMetadata, version: string): SettleRule {
  return { kind, envelope, attempts: retry.attempts, backoffMs: retry.backoffMs, streamsReply, version };
}

/**
 * @param attempt counts from 1
 * @param random from 0 to 1, spreads retries: a delay is between 75 % and 125 % of what the handler asks for
 */
export function settle(outcome: Outcome, attempt: number, rule: SettleRule, random: number): Settlement {
  if (rule.kind === "request") return settleRequest(outcome, rule);
  if (rule.kind === "event") return settleEvent(outcome, rule);
  const settlement = settleDurable(outcome, attempt, rule, random);
  return isOutage(outcome) ? { do: "put-off", otherwise: settlement } : settlement;
}

const DONE: Settlement = { do: "done" };
const ACK: Settlement = { do: "ack" };
const GIVE_BACK: Settlement = { do: "give-back" };
const NO_BYTES = new Uint8Array(0);

function settleEvent(outcome: Outcome, rule: SettleRule): Settlement {
  if (!isFailure(outcome)) return DONE;
  if (outcome.kind === "queue-full" || outcome.kind === "given-back") return { do: "drop", text: explain(outcome) };
  if (outcome.kind === "slow-down") return runAgain(outcome, deadLetter(outcome, rule));
  return deadLetter(outcome, rule);
}

function settleRequest(outcome: Outcome, { streamsReply, envelope }: SettleRule): Settlement {
  if (outcome.kind === "returned") return { do: "reply", body: outcome.reply ?? NO_BYTES };
  const code = errorCode(outcome);
  const text = explain(outcome);
  const issues = outcome.kind === "invalid" ? outcome.issues : undefined;
  if (envelope === "nest") {
    const thrown = outcome.kind === "threw" ? outcome.answer : undefined;
    return { do: "reply-error", code, text, body: errorPacket(thrown, code, text, issues), isPacket: true };
  }
  return { do: "reply-error", code, text, body: streamsReply ? "" : errorBody(code, text, issues) };
}

function settleDurable(outcome: Outcome, attempt: number, rule: SettleRule, random: number): Settlement {
  switch (outcome.kind) {
    case "returned":
    case "filtered":
      return ACK;
    case "queue-full":
    case "given-back":
      return GIVE_BACK;
    case "slow-down":
      return runAgain(outcome, GIVE_BACK);
    case "invalid":
    case "gave-up":
    case "cancelled":
    case "too-many-hops":
      return deadLetter(outcome, rule);
    case "threw":
    case "not-serializable":
    case "retry-later":
    case "timed-out":
    case "crashed":
    case "out-of-memory":
      if (attempt >= rule.attempts) return deadLetter(outcome, rule);
      return {
        do: "retry",
        delayMs:
          (outcome.kind === "retry-later" ? outcome.delayMs : undefined) ?? backoff(attempt, rule.backoffMs, random),
      };
    default:
      return assertNever(outcome);
  }
}

function runAgain(outcome: Extract<Outcome, { kind: "slow-down" }>, otherwise: Settlement): Settlement {
  const { delayMs, key } = outcome;
  return { do: "run-again", delayMs, ...(key === undefined ? {} : { key }), why: explain(outcome), otherwise };
}

/** NATS was away, and not the message to blame. */
export function isOutage(outcome: Outcome): boolean {
  return outcome.kind === "threw" && outcome.error.name === UNAVAILABLE;
}

function deadLetter(outcome: Outcome, { version }: SettleRule): Settlement {
  const stack = stackOf(outcome);
  return {
    do: "dead-letter",
    reason: outcome.kind,
    text: explain(outcome),
    stack: stack === "" ? undefined : stack,
    version,
  };
}

/** The author's stack, the last words of a worker that died, or where it was blocked; "" when there is nothing. */
export function stackOf(outcome: Outcome): string {
  if ("error" in outcome) return outcome.error.stack;
  if ("exit" in outcome) return outcome.exit.lastOutput.join("\n");
  return outcome.kind === "timed-out" || outcome.kind === "cancelled" ? (outcome.stack ?? "") : "";
}

/** The delay after the given attempt; the last entry of the list holds for all later ones. */
export function backoff(attempt: number, backoffMs: readonly number[], random: number): number {
  const base = backoffMs[Math.min(attempt, backoffMs.length) - 1] ?? 0;
  return Math.round(base * (0.75 + random * 0.5));
}

function errorCode(outcome: Exclude<Outcome, { kind: "returned" }>): number {
  switch (outcome.kind) {
    case "invalid":
      return 400;
    case "gave-up":
      return 422;
    case "queue-full":
    case "slow-down":
      return 429;
    case "retry-later":
    case "given-back":
    case "filtered":
      return 503;
    case "timed-out":
      return 504;
    case "too-many-hops":
      return 508;
    case "threw":
    case "not-serializable":
    case "cancelled":
    case "crashed":
    case "out-of-memory":
      return 500;
    default:
      return assertNever(outcome);
  }
}

/** One line for requesters and logs, without a stack. */
export function explain(outcome: Outcome): string {
  switch (outcome.kind) {
    case "returned":
      return "returned";
    case "filtered":
      return outcome.why ?? "the handler's `when` lets it pass";
    case "threw":
    case "gave-up":
    case "retry-later":
    case "slow-down":
    case "not-serializable":
      return outcome.error.message || outcome.error.name;
    case "invalid":
      return `invalid payload: ${outcome.message}`;
    case "timed-out":
      if (outcome.deferred === true) return `was deferred, and not settled within its lease of ${outcome.timeoutMs} ms`;
      return `did not return within ${outcome.timeoutMs} ms${outcome.blocked ? " and blocked its event loop" : ""}`;
    case "cancelled":
      return `was cancelled by ${outcome.by}${outcome.blocked ? "; it blocked its event loop" : ""}`;
    case "crashed":
      if (outcome.exit.killedBecause !== undefined) return `the worker was killed: ${outcome.exit.killedBecause}`;
      return `the worker ended with ${outcome.exit.signal ?? `exit code ${outcome.exit.code}`}`;
    case "out-of-memory":
      return "the worker ran out of memory";
    case "too-many-hops":
      return `the message has come through ${outcome.hops} handlers: handlers publish to each other in a circle`;
    case "queue-full":
      return "the handler's queue is full";
    case "given-back":
      return `not handled: ${outcome.why}`;
    default:
      return assertNever(outcome);
  }
}
