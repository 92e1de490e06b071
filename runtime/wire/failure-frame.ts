// What a worker says of a delivery that did not return. A handler can write to its worker's socket: what comes is checked before
// the supervisor acts on it.

import type { Outcome, SchemaIssue, SerializedError } from "../message/outcome.ts";
import { LONGEST_PAUSE_MS } from "../message/slow-down.ts";
import type { MessageKey } from "../metadata/handler-metadata.ts";
import { readMessageKey } from "../metadata/message-key.ts";

/** Throws a RangeError for anything a worker of ours would not say. */
export function readFailure(said: unknown): Outcome {
  const { kind, error, answer, message, issues, delayMs, key } = fields(said);
  switch (kind) {
    case "threw":
      return { kind, error: readError(error), ...(typeof answer === "string" ? { answer } : {}) };
    case "gave-up":
    case "not-serializable":
      return { kind, error: readError(error) };
    case "retry-later":
      return { kind, error: readError(error), delayMs: typeof delayMs === "number" ? delayMs : undefined };
    case "slow-down":
      if (typeof delayMs !== "number" || !(delayMs > 0)) break;
      return { kind, error: readError(error), delayMs: Math.min(delayMs, LONGEST_PAUSE_MS), ...readKey(key) };
    case "filtered":
      return { kind };
    case "invalid":
      if (typeof message !== "string" || !Array.isArray(issues)) break;
      return { kind, message, issues: issues as SchemaIssue[] };
  }
  throw new RangeError(`no outcome of a delivery: ${JSON.stringify(said)?.slice(0, 100)}`);
}

/** None: it is said of all messages. */
function readKey(said: unknown): { readonly key?: MessageKey } {
  if (said === undefined) return {};
  const read = readMessageKey(said);
  if ("problem" in read) throw new RangeError(`a key of messages ${read.problem}`);
  return { key: read.value };
}

function readError(error: unknown): SerializedError {
  const { name, message, stack, code } = fields(error);
  if (typeof name !== "string" || typeof message !== "string" || typeof stack !== "string")
    throw new RangeError("an error without name, message and stack");
  return { name, message, stack, ...(typeof code === "string" || typeof code === "number" ? { code } : {}) };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
