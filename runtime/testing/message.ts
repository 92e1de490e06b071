// The message of a test, as it would have come over the wire. What could not have been published is refused.

import type { HeadersInput } from "../../sdk/context.ts";
import type { RunHandlerOptions } from "../../sdk/testing.ts";
import { SCHEDULED_FOR_HEADER } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { claimOn, quotedClaims } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { hasWildcards, publishSubjectProblem } from "../metadata/subject.ts";
import type { Arrival } from "../worker/arrival.ts";
import { encodePayload } from "../worker/encode-payload.ts";
import { changeMessage } from "./change-message.ts";

/** Any day will do: the same message has the same id in every run of the tests. */
const STORED_AT_MS = Date.UTC(2026, 0, 1);

type MessageOptions = Pick<
  RunHandlerOptions,
  "subject" | "key" | "operation" | "headers" | "scheduledFor" | "attempt" | "sequence"
>;

export interface TestMessage {
  readonly arrival: Arrival;
  readonly payload: Buffer;
}

/** Throws a TypeError for what NATS would not take, and for a subject that the handler does not get. */
export function testMessage(
  { subjects, store }: Pick<ResolvedMetadata, "subjects" | "store">,
  payload: unknown,
  options: MessageOptions,
): TestMessage {
  if (store !== undefined) {
    const { change, ...others } = changeMessage(store, subjects, payload, options);
    return messageOf(change, { ...options, ...others });
  }
  const given = (["key", "operation"] as const).find((option) => options[option] !== undefined);
  if (given !== undefined) throw new TypeError(`${given} is for handlers of changes (metadata.kv, metadata.objects)`);
  const { subject = subjects[0]! } = options;
  assertReaches(subjects, subject);
  return messageOf(payload, { ...options, subject });
}

function messageOf(
  payload: unknown,
  { subject, headers, scheduledFor, attempt = 1, sequence = 1 }: MessageOptions & { readonly subject: string },
): TestMessage {
  assertCounts("attempt", attempt);
  assertCounts("sequence", sequence);
  const pairs = [...pairsOf(headers ?? {}), ...scheduleHeaders(scheduledFor)];
  const arrival = {
    frameId: sequence,
    seq: sequence,
    origin: 0,
    storedAtMs: STORED_AT_MS,
    again: attempt > 1,
    attempt,
    subject,
    headerBytes: pairs.length === 0 ? undefined : encodeHeaders(pairs),
    payloadStart: 0,
  };
  return { arrival, payload: Buffer.from(encodePayload(payload, `the message for "${subject}"`)) };
}

function assertReaches(claims: readonly string[], subject: string): void {
  if (claims.includes(subject) && hasWildcards(subject))
    throw new TypeError(
      `the handler takes ${quotedClaims(claims)}: say in the option \`subject\` what this message is published to`,
    );
  const problem = publishSubjectProblem(subject);
  if (problem !== undefined) throw new TypeError(`cannot publish to ${JSON.stringify(subject)}: ${problem}`);
  if (claimOn(claims, subject) === undefined)
    throw new TypeError(`the handler takes ${quotedClaims(claims)}: a message to "${subject}" does not reach it`);
}

function assertCounts(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${option} must be 1 or more; received ${value}`);
}

function scheduleHeaders(at: Date | undefined): (readonly [string, string])[] {
  if (at === undefined) return [];
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw new TypeError("scheduledFor must be a Date");
  return [[SCHEDULED_FOR_HEADER, at.toISOString()]];
}

function* pairsOf(headers: HeadersInput): Generator<[string, string]> {
  for (const [name, given] of Object.entries(headers)) {
    for (const value of typeof given === "string" ? [given] : given) {
      if (/[\r\n:]/.test(name) || /[\r\n]/.test(value))
        throw new TypeError(`header ${JSON.stringify(name)} has a line break, or a ":" in its name`);
      yield [name, value];
    }
  }
}
