// The body of an error reply, for callers that read no headers.

import type { SchemaIssue } from "./outcome.ts";

export type ErrorDetails = readonly [code: number, message: string, issues?: readonly SchemaIssue[] | undefined];

/** In the form in which NestJS sends what it has not been told how to send. */
export function errorDetails(...[code, message, issues]: ErrorDetails): object {
  return { status: "error", code, message, issues };
}

/**
 * JSON, in the form in which NestJS sends errors: it takes an empty reply for "nobody listens", and one with any key
 * beside `err` for a good reply.
 */
export function errorBody(...details: ErrorDetails): string {
  return JSON.stringify({ err: errorDetails(...details) });
}
