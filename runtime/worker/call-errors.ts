// What a request rejects with when its reply cannot be used, or it never had its turn.

import { describeIssues } from "../../sdk/schema-issues.ts";
import type { SchemaIssue } from "../message/outcome.ts";

export function noTurn(subject: string, timeoutMs: number): Error {
  const message = `request to "${subject}": it waited ${timeoutMs} ms for its turn, since so many requests of this handler are under way: await some before you make more`;
  return Object.assign(new Error(message), { code: 504 });
}

export function unreadableReply(subject: string, why: string): Error {
  const message = `the reply to the request to "${subject}" cannot be read: ${why}; the option \`payload\` says how it is to be read`;
  return Object.assign(new Error(message), { code: 502 });
}

export function unfitReply(subject: string, issues: readonly SchemaIssue[]): Error {
  const message = `the reply to the request to "${subject}" does not fit its schema: ${describeIssues(issues)}`;
  return Object.assign(new Error(message), { code: 502, issues });
}
