// The subjects that a pattern of Nest stands for, and the file that a handler of them is to lie in. Pure.

import { overlaps, validateSubject } from "../metadata/subject.ts";
import type { StaticValue } from "./static-value.ts";

export type PatternSubjects =
  | { readonly kind: "subjects"; readonly subjects: readonly string[] }
  | { readonly kind: "unfit"; readonly reason: string };

/** A list of patterns is one of subjects. */
export function subjectsOfPattern(pattern: StaticValue): PatternSubjects {
  const patterns = Array.isArray(pattern) ? (pattern as readonly StaticValue[]) : [pattern];
  const subjects = [...new Set(patterns.map(routeOf))];
  for (const subject of subjects) {
    const problem = validateSubject(subject);
    if (problem !== undefined)
      return unfit(`its pattern gives the subject ${JSON.stringify(subject)}, which ${problem}`);
  }
  for (const [at, subject] of subjects.entries()) {
    const other = subjects.slice(at + 1).find((next) => overlaps(subject, next));
    if (other !== undefined) return unfit(`its patterns ${subject} and ${other} overlap: keep the wider one`);
  }
  return subjects.length === 0 ? unfit("it has no pattern") : { kind: "subjects", subjects };
}

function unfit(reason: string): PatternSubjects {
  return { kind: "unfit", reason };
}

/** As Nest's `transformPatternToRoute` makes it: keys in order, `{"cmd":"sum"}`. */
function routeOf(pattern: StaticValue): string {
  if (typeof pattern !== "object" || pattern === null) return String(pattern);
  const entries = Object.entries(pattern).sort(([a], [b]) => a.localeCompare(b));
  const parts = entries.map(([key, value]) => `${JSON.stringify(key)}:${partOf(value as StaticValue)}`);
  return `{${parts.join(",")}}`;
}

function partOf(value: StaticValue): string {
  return typeof value === "string" ? JSON.stringify(value) : routeOf(value);
}

const PLAIN = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const VALUES = /:"([A-Za-z0-9_.-]+)"/g;

/** `orders/total` for `orders.total`, `sum` for `{"cmd":"sum"}`; undefined where the subject gives no name. */
export function nameOfSubject(subject: string): string | undefined {
  const tokens = PLAIN.test(subject) ? subject : [...subject.matchAll(VALUES)].map(([, value]) => value).join(".");
  const isName = PLAIN.test(tokens) && tokens.split(".").every((token) => !token.startsWith("_"));
  return isName ? tokens.replaceAll(".", "/") : undefined;
}

/** `orders/on-packed` for `onPacked` of `OrdersController`. */
export function nameOfMethod(controller: string, method: string): string {
  return `${dashed(controller.replace(/Controller$/, ""))}/${dashed(method)}`;
}

function dashed(name: string): string {
  return name
    .replace(/[^A-Za-z0-9]+/g, "-")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/^-+|-+$/g, "")
    .toLowerCase();
}
