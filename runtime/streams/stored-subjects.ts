// Under which subjects a stream stores messages: not always those under which they were published. Pure.

import type { StreamConfig } from "@nats-io/jetstream";
import { overlaps } from "../metadata/subject.ts";
import { coveredBy, covers } from "./subject-cover.ts";

type Storing = Pick<StreamConfig, "subjects" | "subject_transform" | "sources" | "mirror">;

/** Undefined: it copies from other streams, so what it stores is not to be seen in its own configuration. */
export function storedSubjects(config: Storing): readonly string[] | undefined {
  if (config.mirror !== undefined || (config.sources?.length ?? 0) > 0) return undefined;
  const subjects = config.subjects ?? [];
  const transform = transformOf(config);
  if (transform === undefined) return subjects;
  return [...subjects.filter((subject) => !covers(transform.from, subject)), transform.to];
}

/** What the stream makes of subjects before it stores them, as patterns: from which to which. */
export function transformOf({
  subject_transform,
}: Storing): { readonly from: string; readonly to: string } | undefined {
  if (subject_transform === undefined) return undefined;
  const { src, dest } = subject_transform;
  return { from: src === undefined || src === "" ? ">" : src, to: patternOf(dest) };
}

/** Messages of `subject` are stored under another one that it does not cover: whoever takes `subject` misses them. */
export function isStoredElsewhere(config: Storing, subject: string): boolean {
  const transform = transformOf(config);
  return transform !== undefined && overlaps(transform.from, subject) && !covers(subject, transform.to);
}

/** Whether the stream can hold all of `subject`, as stored. */
export function canStore(config: Storing, subject: string): boolean {
  const stored = storedSubjects(config);
  return stored === undefined || coveredBy(stored, subject);
}

/** `orders.{{wildcard(1)}}.$2` is `orders.*.*`; what makes several tokens of one ends the pattern with `>`. */
function patternOf(dest: string): string {
  const pattern: string[] = [];
  for (const token of dest.split(".")) {
    if (/^\{\{\s*(split|slice)/i.test(token)) return [...pattern, ">"].join(".");
    pattern.push(/^(\{\{.*\}\}|\$\d+)$/.test(token) ? "*" : token);
  }
  return pattern.join(".");
}
