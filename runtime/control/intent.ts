// One intent, as it stands in the bucket.

export interface Intent {
  readonly disabled: boolean;
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
  /** Milliseconds since the epoch; absent: until enabled. */
  readonly untilMs?: number;
  /** Kill what is in flight instead of letting it finish. */
  readonly now: boolean;
  /** Nobody said so: the time of what was said before is over. */
  readonly over?: boolean;
}

/** Which version of which handler's intent, of which bucket: one that is made anew counts from 1 again. */
export interface IntentMark {
  readonly bucket: string;
  readonly name: string;
  readonly revision: number;
}

/** Something unreadable is a handler turned off by someone we do not understand: off is the safe reading. */
export function readIntent(text: string): Intent {
  try {
    const { disabled, by, reason, sinceMs, untilMs, now, over } = JSON.parse(text) as Partial<Intent>;
    return {
      disabled: disabled !== false,
      by: typeof by === "string" ? by : "unknown",
      reason: typeof reason === "string" ? reason : "",
      sinceMs: typeof sinceMs === "number" ? sinceMs : 0,
      ...(typeof untilMs === "number" ? { untilMs } : {}),
      now: now === true,
      ...(over === true ? { over } : {}),
    };
  } catch {
    const reason = `unreadable intent ${JSON.stringify(text.slice(0, 100))}`;
    return { disabled: true, by: "unknown", reason, sinceMs: 0, now: false };
  }
}

/** Whether it turns its handler off at that time. */
export function isInForce({ disabled, untilMs }: Intent, nowMs: number): boolean {
  return disabled && (untilMs === undefined || untilMs > nowMs);
}

/** Handler names as keys: a key may not have two dots in a row, and handler names have no `=`. */
export function keyOf(name: string): string {
  return name.replaceAll(".", "=");
}

export function nameOf(key: string): string {
  return key.replaceAll("=", ".");
}
