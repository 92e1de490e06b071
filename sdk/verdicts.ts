// What a handler throws to choose how its message is settled. Any other throw is a failure.

import { type Duration, parseDuration } from "./duration.ts";
import type { MessageKey } from "./message-key.ts";

// A handler may bring a copy of the sdk of its own, so verdicts are known by this mark and never by `instanceof`.
const VERDICT = Symbol.for("nats-handlers.verdict");

const LONGEST_PAUSE_MS = 3_600_000;

export type Verdict =
  | { readonly kind: "retry-later"; readonly delayMs: number | undefined }
  | { readonly kind: "give-up" }
  | { readonly kind: "slow-down"; readonly delayMs: number; readonly key?: MessageKey | undefined };

export interface SlowDownOptions {
  /** As of every error. */
  cause?: unknown;
  /**
   * Only messages pause that have this in common with the one that is handled: `{ header: "tenant" }`. Default: all of the handler's.
   */
  key?: MessageKey | undefined;
}

/**
 * Run the message again after `delay` (without one: after the next backoff). Counts as an attempt.
 * Throws a TypeError when `delay` is not a duration.
 */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly [VERDICT]: Verdict;

  constructor(delay?: Duration, message?: string, options?: { cause?: unknown }) {
    super(message ?? (delay === undefined ? "retry later" : `retry in ${delay}`), options);
    const delayMs = delay === undefined ? undefined : parseDuration(delay);
    if (delay !== undefined && delayMs === undefined) {
      throw new TypeError(`RetryLater: the delay must be a duration such as "30s"; received ${JSON.stringify(delay)}`);
    }
    this[VERDICT] = { kind: "retry-later", delayMs };
  }
}

/**
 * The other side wants less, as with status 429: the handler pauses for `delay`, in every replica, and then runs this message
 * again. With `key` only what has it in common with this message pauses. No attempt is charged. For durable and event handlers; a request
 * is answered with error 429, and nothing pauses. Throws a TypeError when `delay` is not a duration from "1ms" to "1h", or `key` is none.
 */
export class SlowDown extends Error {
  override readonly name = "SlowDown";
  readonly [VERDICT]: Verdict;

  constructor(delay: Duration, message?: string | SlowDownOptions, options?: SlowDownOptions) {
    const { key, ...others } = (typeof message === "object" ? message : options) ?? {};
    super(typeof message === "string" ? message : `slow down for ${delay}`, others);
    const delayMs = parseDuration(delay);
    if (key !== undefined && !isKey(key))
      throw new TypeError(
        `SlowDown: the key must be { wildcard: 0 }, { header: "tenant" } or { field: "tenant.id" }; received ${JSON.stringify(key)}`,
      );
    if (delayMs === undefined || delayMs < 1 || delayMs > LONGEST_PAUSE_MS)
      throw new TypeError(
        `SlowDown: the delay must be a duration from "1ms" to "1h", such as "30s"; received ${JSON.stringify(delay)}`,
      );
    this[VERDICT] = { kind: "slow-down", delayMs, key };
  }
}

function isKey(key: unknown): boolean {
  const [[name, value] = [], ...more] = typeof key === "object" && key !== null ? Object.entries(key) : [];
  if (more.length > 0) return false;
  return name === "wildcard"
    ? Number.isInteger(value)
    : (name === "header" || name === "field") && typeof value === "string";
}

/** The message can never succeed: no further attempt. `reason` is kept with the dead letter. */
export class GiveUp extends Error {
  override readonly name = "GiveUp";
  readonly [VERDICT]: Verdict = { kind: "give-up" };

  constructor(reason: string, options?: { cause?: unknown }) {
    super(reason, options);
  }
}

/** The verdict carried by something thrown, whichever copy of the sdk made it; undefined for any other throw. */
export function verdictOf(thrown: unknown): Verdict | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  try {
    return readVerdict((thrown as { readonly [VERDICT]?: Partial<Verdict> })[VERDICT]);
  } catch {
    return undefined; // A getter or a Proxy that throws: no throw of ours.
  }
}

interface Mark {
  readonly kind?: unknown;
  readonly delayMs?: unknown;
  readonly key?: MessageKey | undefined;
}

function readVerdict(mark: Mark | undefined): Verdict | undefined {
  if (mark?.kind === "give-up") return { kind: "give-up" };
  if (mark?.kind === "slow-down" && typeof mark.delayMs === "number")
    return { kind: "slow-down", delayMs: mark.delayMs, ...(mark.key === undefined ? {} : { key: mark.key }) };
  if (mark?.kind !== "retry-later") return undefined;
  return { kind: "retry-later", delayMs: typeof mark.delayMs === "number" ? mark.delayMs : undefined };
}
