// What a Standard Schema has against a payload, as it is told to requesters and people.

import type { SchemaIssue } from "../message/outcome.ts";

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const MOST_ISSUES = 50;
const MOST_ISSUE_CHARS = 1_000;

/** Issues of a Standard Schema result, paths as `item.tags.0`; bounded, because the requester is sent them. */
export function readIssues(issues: readonly StandardIssue[]): SchemaIssue[] {
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
