// Keeps passwords out of everything that is told: those in URLs, whoever wrote them into a message, a stack or a log line,
// and the text of fields that are named as secrets.

import { RuntimeError, type RuntimeErrorDetails } from "../errors.ts";
import type { RuntimeEvent } from "../events.ts";

/** Whatever stands between `scheme://` and `@`, as far as no space, quote or slash comes before that. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'`/<>]*@/gi;
/** `password`, `DB_PASSWORD`, `accessToken`, `x-api-key`: by how the name ends. */
const SECRET_NAME = /(?:password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key|authorization|cookie)$/i;
const MAX_DEPTH = 8;

/** The event itself when there is nothing to hide in it. */
export function redacted(event: RuntimeEvent): RuntimeEvent {
  return hide(event, 0) as RuntimeEvent;
}

export function redactedText(text: string): string {
  // Nearly every text has no URL with credentials, and this finds out faster.
  return text.includes("://") && text.includes("@") ? text.replace(CREDENTIALS, "$1***@") : text;
}

/** Whether what stands under that name is a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** The value itself when there is nothing to hide in it, else a copy. */
function hide(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redactedText(value);
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
  if (value instanceof RuntimeError) return hideInError(value);
  if (value instanceof Error) return value;
  const entries = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key in entries) {
    const entry = entries[key];
    const isSecret = typeof entry === "string" && entry !== "" && isSecretName(key);
    const hidden = isSecret ? "***" : hide(entry, depth + 1);
    if (hidden === entry) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = hidden;
  }
  return copy ?? value;
}

function hideInError(error: RuntimeError): RuntimeError {
  const { code, message, handler, place, frame, remedy, stack, cause } = error;
  const texts = [message, frame, remedy, stack];
  if (texts.every((text) => text === undefined || redactedText(text) === text)) return error;
  const given = { handler, place, frame, remedy, stack, cause };
  const details = Object.fromEntries(
    Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, hide(value, 1)]),
  ) as RuntimeErrorDetails;
  return new RuntimeError(code, redactedText(message), details);
}
