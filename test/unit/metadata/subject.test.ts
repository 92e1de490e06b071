import { describe, expect, test } from "vitest";
import {
  matches,
  overlaps,
  publishSubjectProblem,
  validateSubject,
  wildcardsOf,
} from "../../../runtime/metadata/subject.ts";

describe("validateSubject", () => {
  test.each(["a", "orders.created", "orders.*", "orders.>", "*.created", "a.*.b.>", "A-1_b.c:d/e", "a$b.$c"])(
    "%s may be taken",
    (subject) => {
      expect(validateSubject(subject)).toBeUndefined();
    },
  );

  test.each([
    ["", "must not be empty"],
    ["a b", "must have no spaces"],
    ["a\tb", "must have no spaces"],
    ["a\r\nPUB b 1", "must have no spaces"],
    ["ordré", "non-ASCII"],
    ["a\u007fb", "control characters"],
    [".a", "empty token"],
    ["a.", "empty token"],
    ["a..b", "empty token"],
    ["a.b*", 'unlike "b*"'],
    ["a.>b", 'unlike ">b"'],
    ["**", 'unlike "**"'],
    ["a.>.b", "only as its last token"],
    [">", "at least one token that is no wildcard"],
    ["*", "at least one token that is no wildcard"],
    ["*.>", "at least one token that is no wildcard"],
    ["*.*", "at least one token that is no wildcard"],
    ["$SYS.REQ", 'must not start with "$"'],
    ["$JS.>", 'must not start with "$"'],
    ["a".repeat(1025), "longer than 1024"],
  ])("%j is refused: it %s", (subject, problem) => {
    expect(validateSubject(subject)).toContain(problem);
  });

  test("a subject to publish to has no wildcards", () => {
    expect(publishSubjectProblem("a.b")).toBeUndefined();
    expect(publishSubjectProblem("a.*")).toContain("must have no wildcards");
    expect(publishSubjectProblem("a.>")).toContain("must have no wildcards");
    expect(publishSubjectProblem("a..b")).toContain("empty token");
  });
});

const MATCHES: readonly (readonly [string, string, boolean, readonly string[]])[] = [
  ["a", "a", true, []],
  ["a", "b", false, []],
  ["a", "ab", false, []],
  ["ab", "a", false, []],
  ["a.b", "a", false, []],
  ["a", "a.b", false, []],
  ["a.*", "a.b", true, ["b"]],
  ["a.*", "a", false, []],
  ["a.*", "a.b.c", false, []],
  ["a.*.c", "a.long-token.c", true, ["long-token"]],
  ["a.*.c", "a.b.d", false, []],
  ["*.b", "a.b", true, ["a"]],
  ["*.*", "a.b", true, ["a", "b"]],
  ["a.>", "a.b", true, ["b"]],
  ["a.>", "a.b.c.d", true, ["b.c.d"]],
  ["a.>", "a", false, []],
  ["a.>", "ab.c", false, []],
  ["a.*.>", "a.b.c.d", true, ["b", "c.d"]],
  ["a.*.>", "a.b", false, []],
  [">", "a.b", true, ["a.b"]],
  ["todo.*.*.done", "todo.1.2.done", true, ["1", "2"]],
  ["a*.b", "a*.b", true, []],
];

/** The definition, token by token: slow and plain. */
function matchesByTokens(pattern: string, subject: string): boolean {
  const patterns = pattern.split(".");
  const tokens = subject.split(".");
  for (const [index, token] of patterns.entries()) {
    if (token === ">") return tokens.length > index;
    if (token !== "*" && token !== tokens[index]) return false;
    if (tokens[index] === undefined) return false;
  }
  return patterns.length === tokens.length;
}

/** Every subject or pattern of one to four of these tokens. */
function combinations(tokens: readonly string[], length: number): string[] {
  if (length === 0) return [];
  const shorter = combinations(tokens, length - 1);
  return [
    ...tokens,
    ...shorter.flatMap((head) => (head.endsWith(">") ? [] : tokens.map((token) => `${head}.${token}`))),
  ];
}

describe("matches and wildcardsOf", () => {
  test.each(MATCHES)("%s takes %s: %s, wildcards %j", (pattern, subject, expected, wildcards) => {
    expect(matches(pattern, subject)).toBe(expected);
    if (expected) expect(wildcardsOf(pattern, subject)).toEqual(wildcards);
  });

  test("matches agrees with the token by token definition everywhere", () => {
    const subjects = new Set(combinations(["a", "b", "ab"], 4));
    for (const pattern of new Set(combinations(["a", "ab", "*", ">"], 4))) {
      for (const subject of subjects) {
        expect([pattern, subject, matches(pattern, subject)]).toEqual([
          pattern,
          subject,
          matchesByTokens(pattern, subject),
        ]);
      }
    }
  });
});

describe("overlaps", () => {
  test.each([
    ["a", "a", true],
    ["a", "b", false],
    ["a.b", "a", false],
    ["a.*", "a.b", true],
    ["a.*", "*.b", true],
    ["a.*", "b.*", false],
    ["a.*", "a.b.c", false],
    ["a.>", "a", false],
    ["a.>", "a.b.c", true],
    ["a.>", "*.b.c", true],
    ["a.>", "b.>", false],
    ["a.*.c", "a.b.>", true],
    ["a.*.c", "a.b.d", false],
  ])("%s and %s: %s", (a, b, expected) => {
    expect(overlaps(a, b)).toBe(expected);
    expect(overlaps(b, a)).toBe(expected);
  });

  test("patterns overlap exactly when a subject matches both", () => {
    const subjects = [...new Set(combinations(["a", "b", "c"], 4))];
    const patterns = [...new Set(combinations(["a", "b", "*", ">"], 3))];
    for (const a of patterns) {
      for (const b of patterns) {
        const shared = subjects.some((subject) => matches(a, subject) && matches(b, subject));
        expect([a, b, overlaps(a, b)]).toEqual([a, b, shared]);
      }
    }
  });
});
