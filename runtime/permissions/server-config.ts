// Permissions as nats-server reads them: the block for one user of its configuration.

import { wrap } from "../terminal/wrap.ts";
import { COMMON_INBOXES, type Grant } from "./grant.ts";
import type { Permissions, Purpose } from "./permissions.ts";

/** Any number of answers to a request: a handler may stream them, and only whoever asked hears them. */
export const MOST_ANSWERS = -1;

const FOR: Readonly<Record<Purpose, string>> = {
  serve: "`handlers start`",
  provision: "`handlers start --provision`",
  operate: "the commands of operators",
  fleet: "`handlers describe --check --fleet`",
};
const COMMENT_COLUMNS = 110;

export function serverConfig(permissions: Permissions): string {
  const { app, purpose, grants, answerMs, remarks } = permissions;
  return [
    ...comment(`NATS permissions for ${FOR[purpose]} of app "${app}", made by \`handlers permissions\`.`, ""),
    ...comment("They name handlers and subjects: make them anew when these change.", ""),
    "permissions {",
    ...side("publish", grants),
    ...side("subscribe", grants),
    ...(answerMs === undefined ? [] : answers(answerMs)),
    "}",
    ...remarks.flatMap((remark) => ["", ...comment(remark, "")]),
  ].join("\n");
}

function side(name: "publish" | "subscribe", grants: readonly Grant[]): string[] {
  const lines = grants.flatMap(({ why, [name]: subjects = [] }) =>
    subjects.length === 0 ? [] : [...comment(why, "    "), ...subjects.map((subject) => `    ${quoted(subject)}`)],
  );
  return [`  ${name}: { allow: [`, ...lines, "  ] }"];
}

function answers(answerMs: number): string[] {
  const ttl = `${Math.ceil(answerMs / 1_000)}s`;
  return [
    ...comment(
      `Answer whatever asks, for ${ttl} after it came. The server keeps each reply subject that long; before 2.10.24, with more than a hundred messages a second, name the inboxes of those who ask instead, --answer "${COMMON_INBOXES}.>".`,
      "  ",
    ),
    `  allow_responses: { max: ${MOST_ANSWERS}, ttl: "${ttl}" }`,
  ];
}

function comment(text: string, indent: string): string[] {
  return wrap(text, COMMENT_COLUMNS)
    .split("\n")
    .map((line) => `${indent}# ${line}`);
}

/** The configuration knows the escapes of JSON for what a subject may hold, which is printable ASCII. */
function quoted(subject: string): string {
  return JSON.stringify(subject);
}
