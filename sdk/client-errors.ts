// What `nats-handlers/client` rejects with.

import type { SchemaIssue } from "./schema-issues.ts";

/** What a schema has against a value. */
export type ClientIssue = SchemaIssue;

/** A message could not be published, or a request was not answered. */
export class ClientError extends Error {
  override readonly name: string = "ClientError";
  /** As in HTTP: 400, 409, 413, 500, 501, 503, 504, 507 (see `publish` and `request`). */
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What was to be sent does not fit its schema: nothing was sent. Code 400. */
export class InvalidDataError extends ClientError {
  override readonly name = "InvalidDataError";
  /** All that the schema has against it. */
  readonly issues: readonly ClientIssue[];

  constructor(message: string, issues: readonly ClientIssue[]) {
    super(400, message);
    this.issues = issues;
  }
}

/** The reply is an error, with its code; or it cannot be read, or does not fit its schema: 502. */
export class ReplyError extends ClientError {
  override readonly name = "ReplyError";
  /** What the handler's schema has against what was asked, or ours against the reply; else empty. */
  readonly issues: readonly ClientIssue[];

  constructor(code: number, message: string, issues: readonly ClientIssue[] = [], options?: ErrorOptions) {
    super(code, message, options);
    this.issues = issues;
  }
}
