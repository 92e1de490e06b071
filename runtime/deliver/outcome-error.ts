// A failed delivery, told to the person who reads the log.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeFrame } from "../bundle/frame.ts";
import { type ErrorCode, RuntimeError, type SourcePlace } from "../errors.ts";
import type { Failure, Outcome } from "../message/outcome.ts";
import type { Settlement } from "../message/settlement.ts";
import { explain, stackOf } from "./settle.ts";
import { placeInStack } from "./stack-place.ts";

const CODES: Readonly<Record<Failure["kind"], ErrorCode>> = {
  threw: "HANDLER_THREW",
  "gave-up": "HANDLER_THREW",
  "retry-later": "HANDLER_THREW",
  "slow-down": "HANDLER_THREW",
  "not-serializable": "NOT_SERIALIZABLE",
  invalid: "PAYLOAD_INVALID",
  "timed-out": "HANDLER_TIMED_OUT",
  cancelled: "MESSAGE_CANCELLED",
  crashed: "WORKER_CRASHED",
  "out-of-memory": "WORKER_OUT_OF_MEMORY",
  "too-many-hops": "TOO_MANY_HOPS",
  "queue-full": "QUEUE_FULL",
  "given-back": "HANDLER_THREW",
};

const MEANT: ReadonlySet<Outcome["kind"]> = new Set(["gave-up", "retry-later", "slow-down", "cancelled"]);

export interface FailedDelivery {
  readonly handler: string;
  readonly file: string;
  readonly rootDir: string;
  readonly subject: string;
  readonly timeoutMs: number;
  /** Since when its version serves: what was saved after that has other lines. */
  readonly sinceMs: number;
}

export function outcomeError(outcome: Failure, about: FailedDelivery): RuntimeError {
  const stack = stackOf(outcome);
  const place = placeInStack(stack, about.rootDir) ?? { file: about.file };
  const message = `handler "${about.handler}" ${verb(outcome)} on "${about.subject}": ${explain(outcome)}`;
  const remedy = remedyFor(outcome, about);
  // Giving up is a decision of the author's, not a fault to be shown in the code.
  const meant = MEANT.has(outcome.kind);
  const frame = meant ? undefined : frameAt(about, place);
  return new RuntimeError(CODES[outcome.kind], message, {
    handler: about.handler,
    place,
    stack,
    ...(frame === undefined ? {} : { frame }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** Read at once: failures are reported at a bounded rate, and the file may be another one a moment later. */
function frameAt({ rootDir, sinceMs }: FailedDelivery, place: SourcePlace): string | undefined {
  if (place.line === undefined) return undefined;
  const path = join(rootDir, place.file);
  try {
    if (statSync(path).mtimeMs > sinceMs) return undefined;
    return codeFrame(readFileSync(path, "utf8"), place.line, place.column ?? 1);
  } catch {
    return undefined; // The file is gone; the place says enough.
  }
}

function verb(outcome: Outcome): string {
  switch (outcome.kind) {
    case "gave-up":
      return "gave up";
    case "retry-later":
      return "asked to retry";
    case "slow-down":
      return "was told to slow down";
    case "invalid":
      return "refused its payload";
    case "timed-out":
      return "timed out";
    case "cancelled":
      return "was stopped";
    case "crashed":
    case "out-of-memory":
      return "lost its worker";
    case "too-many-hops":
    case "queue-full":
    case "given-back":
      return "did not run";
    default:
      return "failed";
  }
}

function remedyFor(outcome: Outcome, { timeoutMs }: FailedDelivery): string | undefined {
  switch (outcome.kind) {
    case "timed-out":
      if (outcome.deferred === true)
        return "Give it a longer `lease`, or find out why neither `done` nor `fail` was called.";
      return outcome.blocked
        ? "Its worker was killed. Look for a loop that never awaits; long computations need a higher `timeout`."
        : `Raise \`timeout\` (now ${timeoutMs} ms), or stop work when \`ctx.signal\` aborts.`;
    case "out-of-memory":
      return "Raise `memory` in its metadata, or look for what it keeps between messages.";
    case "queue-full":
      return "Raise `concurrency` or `workers`, run more replicas, or make the handler durable so that the stream holds what waits.";
    case "invalid":
      if (outcome.issues.length > 0) return undefined;
      return 'Look at what is sent. `payload` in its metadata says how it is read: "json" (the default), "bytes", or a codec.';
    case "too-many-hops":
      return "Break the circle: a handler must not publish to a subject that leads back to itself.";
    default:
      return undefined;
  }
}

/** As the service protocol wants it: with the code, where the caller was told one. */
export function errorText(outcome: Outcome, settlement: Settlement): string {
  if (outcome.kind === "returned") return "500:the reply could not be sent";
  return settlement.do === "reply-error" ? `${settlement.code}:${settlement.text}` : explain(outcome);
}
