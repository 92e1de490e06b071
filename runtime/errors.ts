// What goes wrong, told to the person who reads it at night: a code, what happened, where, and what to do.

export type ErrorCode =
  | "CONFIG_INVALID"
  | "CONFIG_UNREADABLE"
  | "DISK_REFUSED"
  | "NODE_TOO_OLD"
  | "HANDLERS_DIR_MISSING"
  | "NATS_NOT_CONFIGURED"
  | "NATS_UNREACHABLE"
  | "NATS_REFUSED"
  | "NATS_SERVER_UNAVAILABLE"
  | "NATS_SERVER_FAILED"
  | "STREAM_MISSING"
  | "STREAM_REFUSED"
  | "CONSUMER_REFUSED"
  | "BUNDLE_FAILED"
  | "BUNDLE_WARNING"
  | "BUILD_UNUSABLE"
  | "BUILD_TOOLS_MISSING"
  | "VERSION_NOT_KEPT"
  | "METADATA_INVALID"
  | "NAME_CONFLICT"
  | "SUBJECT_CONFLICT"
  | "HANDLER_LOAD_FAILED"
  | "HANDLER_LOAD_TIMED_OUT"
  | "HANDLER_SETUP_FAILED"
  | "HANDLER_ENV_MISSING"
  | "HANDLER_TIMED_OUT"
  | "HANDLER_THREW"
  | "HANDLER_NOT_FOUND"
  | "MESSAGE_CANCELLED"
  | "PAYLOAD_INVALID"
  | "PAYLOAD_TOO_LARGE"
  | "NOT_SERIALIZABLE"
  | "QUEUE_FULL"
  | "HTTP_PORT_TAKEN"
  | "TOO_MANY_HOPS"
  | "PUBLISH_FAILED"
  | "REQUEST_FAILED"
  | "WORKER_CRASHED"
  | "WORKER_OUT_OF_MEMORY"
  | "WORKER_PROTOCOL_BROKEN"
  | "USAGE"
  | "INTERNAL";

/** A place in the author's source. `line` counts from 1, `column` from 1. */
export interface SourcePlace {
  file: string;
  line?: number;
  column?: number;
}

export interface RuntimeErrorDetails {
  handler?: string;
  place?: SourcePlace;
  /** A few source lines with a marker under the fault, ready to print. */
  frame?: string;
  /** What to do about it: one sentence. */
  remedy?: string;
  /** The author's stack, mapped to the TypeScript, where the fault is the author's. */
  stack?: string;
  cause?: unknown;
}

/** The message says what happened; `describeError` adds where and what to do. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code: ErrorCode;
  readonly handler: string | undefined;
  readonly place: SourcePlace | undefined;
  readonly frame: string | undefined;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, details: RuntimeErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.handler = details.handler;
    this.place = details.place;
    this.frame = details.frame;
    this.remedy = details.remedy;
    if (details.stack !== undefined) this.stack = details.stack;
  }
}

/** `CODE: message (file:line:column)`, then the frame, then the remedy, each on lines of its own. */
export function describeError(error: unknown): string {
  if (!(error instanceof RuntimeError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const where = error.place === undefined ? "" : ` (${formatPlace(error.place)})`;
  const [first, ...more] = error.message.split("\n");
  const headline = first?.endsWith(":") ? `${first.slice(0, -1)}${where}:` : `${first}${where}`;
  return [`${error.code}: ${headline}`, ...more, error.frame, error.remedy]
    .filter((part) => part !== undefined && part !== "")
    .join("\n");
}

export function formatPlace({ file, line, column }: SourcePlace): string {
  return [file, line, column].filter((part) => part !== undefined).join(":");
}

/** The error itself when it is ours, else an INTERNAL one that keeps it as its cause. */
export function toRuntimeError(error: unknown, context: string): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RuntimeError("INTERNAL", `${context}: ${message}`, { cause: error });
}

/** End of a `switch` over a union: does not compile while a kind is missing. */
export function assertNever(value: never): never {
  throw new RuntimeError("INTERNAL", `unexpected value ${JSON.stringify(value)}`);
}
