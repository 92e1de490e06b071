// Errors cross the boundary as data, with their stack already pointing into the TypeScript.

import type { SerializedError } from "../deliver/outcome.ts";

const MAX_MESSAGE_CHARS = 4_000;
const MAX_STACK_CHARS = 16_000;

export function serializeError(thrown: unknown): SerializedError {
  if (!(thrown instanceof Error))
    return { name: "Error", message: `threw ${preview(thrown)}, which is not an Error`, stack: "" };
  const code = (thrown as { code?: unknown }).code;
  return {
    name: textOf(thrown.name, "Error"),
    message: textOf(thrown.message, "").slice(0, MAX_MESSAGE_CHARS),
    stack: stackOf(thrown).slice(0, MAX_STACK_CHARS),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
  };
}

/** The stack with its causes, frames of the runtime itself left out. */
function stackOf(error: Error): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    const prefix = depth === 0 ? "" : "caused by ";
    parts.push(prefix + withoutOwnFrames(textOf(current.stack, String(current))));
    current = current.cause;
  }
  return parts.join("\n");
}

/** The worker's program: as sources, published, or bundled (bundle/worker-program). */
const OWN_FRAME = /[\\/](isolate[\\/]worker[\\/]|\.handlers[\\/]program[\\/])/;

function withoutOwnFrames(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !(OWN_FRAME.test(line) && line.trimStart().startsWith("at ")))
    .join("\n");
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

function preview(value: unknown): string {
  try {
    const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
    return text.length > 200 ? `${text.slice(0, 200)}...` : text;
  } catch {
    return Object.prototype.toString.call(value);
  }
}
