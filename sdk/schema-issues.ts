// What a Standard Schema has against a value, as it is told to requesters and people.

import type { StandardSchemaV1 } from "@standard-schema/spec";

export interface SchemaIssue {
  /** Place in the value, as `items.0.price`; empty: all of it. */
  readonly path: string;
  /** Of the schema's library. */
  readonly message: string;
}

const MOST_ISSUES = 50;
const MOST_ISSUE_CHARS = 1_000;

/** Bounded, because the requester is sent them. */
export function readIssues(issues: readonly StandardSchemaV1.Issue[]): SchemaIssue[] {
  return issues.slice(0, MOST_ISSUES).map((issue) => ({
    path: (issue.path ?? [])
      .map((part) => String(typeof part === "object" ? part.key : part))
      .join(".")
      .slice(0, MOST_ISSUE_CHARS),
    message: issue.message.slice(0, MOST_ISSUE_CHARS),
  }));
}

export function describeIssues(issues: readonly SchemaIssue[]): string {
  return issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
}
