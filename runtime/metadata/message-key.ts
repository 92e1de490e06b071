// `{ wildcard }`, `{ header }` or `{ field }` in a handler's metadata: which messages belong together. Pure.
//
// It is data, never a function: the supervisor reads it (message/message-key.ts), and runs no code of an author.

import type { MessageKey, ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";
import { integer, problem, type Read, type Reader, text } from "./options.ts";

export const MESSAGE_KEY_EXAMPLE = '{ wildcard: 0 }, { header: "tenant" } or { field: "tenant.id" }';

const PARTS: Readonly<Record<string, Reader<unknown>>> = {
  wildcard: integer(0, 31),
  header: text('must be the name of a header, such as "tenant"', /^[!-9;-~]{1,255}$/),
  field: text('must be the names on the way to a field, such as "tenant.id"', /^[^.]{1,255}(\.[^.]{1,255}){0,15}$/),
};

export const MESSAGE_KEY_PARTS = Object.keys(PARTS);

/** The example stands in each complaint: what is written instead is most often a function. */
export function readMessageKey(raw: unknown): Read<MessageKey> {
  const [given, ...more] = typeof raw === "object" && raw !== null ? Object.entries(raw) : [];
  const reader = given && PARTS[given[0]];
  if (given === undefined || reader === undefined || more.length > 0)
    return problem(`must be one of ${MESSAGE_KEY_EXAMPLE}: it is read outside of the handler's process`, raw);
  const read = reader(given[1]);
  return "problem" in read ? { problem: `has a ${given[0]} that ${read.problem}` } : { value: raw as MessageKey };
}

/** What it does not go together with. @param path of the option that has the key */
export function messageKeyProblems(
  key: MessageKey | undefined,
  path: readonly string[],
  { subjects, payload }: Pick<ResolvedMetadata, "subjects" | "payload">,
): Problem[] {
  if (key === undefined) return [];
  if ("field" in key && payload !== "json")
    return [{ path, message: `can be a field of JSON only, and payload is "${payload}": use a wildcard or a header` }];
  if (!("wildcard" in key)) return [];
  const short = subjects.find((subject) => wildcardsIn(subject) <= key.wildcard);
  if (short === undefined) return [];
  const message = `must name a wildcard of the subject, from 0 on; "${short}" has ${wildcardsIn(short)}, received ${key.wildcard}`;
  return [{ path, message }];
}

/** For people: `header tenant`. */
export function messageKeyText(key: MessageKey): string {
  return Object.entries(key)
    .map(([part, of]) => `${part} ${of}`)
    .join();
}

function wildcardsIn(subject: string): number {
  return subject.split(".").filter((token) => token === "*" || token === ">").length;
}
