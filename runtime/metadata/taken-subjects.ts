// What `subject` in a handler's metadata may say: one, or a list of them.

import { listOf, problem, type Read, type Reader, subject } from "./options.ts";
import { overlaps } from "./subject.ts";

/** Each is a subscription or a consumer of its own. */
const MOST_SUBJECTS = 100;

export function takenSubjects(raw: unknown): Read<readonly string[]> {
  return takenList(takenSubject, raw);
}

/** One that `reader` reads, or a list of which no two overlap. */
export function takenList(reader: Reader<string>, raw: unknown): Read<readonly string[]> {
  if (!Array.isArray(raw)) {
    const one = reader(raw);
    return "value" in one ? { value: [one.value] } : one;
  }
  if (raw.length === 0 || raw.length > MOST_SUBJECTS)
    return { problem: `must list 1 to ${MOST_SUBJECTS} subjects; received ${raw.length}` };
  const read = listOf(reader, "must be a list of subjects")(raw);
  const twice = "value" in read ? takenTwice(read.value) : undefined;
  return twice === undefined ? read : { problem: twice };
}

/** Replies to others, and commands of operators, are nothing to handle. */
function takenSubject(raw: unknown): Read<string> {
  const read = subject(raw);
  if ("problem" in read || !/^_(INBOX|HANDLERS)/.test(read.value)) return read;
  return problem(
    'must not start with "_INBOX" or "_HANDLERS": replies to others and commands of operators go there',
    raw,
  );
}

/** A message that fits two of them would be handled twice. */
function takenTwice(subjects: readonly string[]): string | undefined {
  for (const [index, one] of subjects.entries()) {
    const other = subjects.slice(0, index).find((before) => overlaps(before, one));
    if (other === undefined) continue;
    const which = other === one ? `lists "${one}" twice` : `lists "${other}" and "${one}", which overlap`;
    return `${which}: what fits both would be handled twice; leave one out`;
  }
  return undefined;
}
