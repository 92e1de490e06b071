// The body of an error reply, for callers that read no headers.

import type { SchemaIssue } from "./outcome.ts";

/**
 * JSON, in the form in which NestJS sends errors: it takes an empty reply for "nobody listens", and one with any key
 * beside `err` for a good reply.
 */
export function errorBody(code: number, message: string, issues?: readonly SchemaIssue[]): string {
  return JSON.stringify({ err: { status: "error", code, message, issues } });
}
