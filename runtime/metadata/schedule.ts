// What `schedule` in a handler's metadata may say.

import type { HandlerKind, Missed, Schedule } from "./handler-metadata.ts";
import { didYouMean } from "./nearest.ts";
import { duration, problem, type Read, text } from "./options.ts";
import { cronProblem, isTimeZone, type PlannedTimes } from "./planned-times.ts";
import { hasWildcards } from "./subject.ts";

/** Something that is wrong with it, and where in it that stands. */
export interface ScheduleProblem {
  readonly at: readonly string[];
  readonly message: string;
}

export type ReadSchedule = { readonly value: Schedule } | { readonly problems: readonly ScheduleProblem[] };

type Fields = Readonly<Record<string, unknown>>;

const KEYS = ["cron", "every", "timeZone", "missed", "payload"];
const YEAR_MS = 365 * 86_400_000;
const every = duration(1_000, YEAR_MS, '"1s" to "365d"');
const missed = text('must be "skip", "once" or "all"', /^(skip|once|all)$/);
const EXAMPLE = 'must be a cron pattern such as "0 5 * * *", or an object such as { every: "5m" }';

/**
 * `"0 5 * * *"`, `{ cron, timeZone, missed, payload }` or `{ every, missed, payload }`. The payload is not read here: the
 * worker encodes it, who has it as it was written.
 */
export function readSchedule(raw: unknown): ReadSchedule {
  if (typeof raw === "string") return readFields({ cron: raw }, []);
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return only([], problem(EXAMPLE, raw).problem);
  return readFields(raw as Fields, ["cron"]);
}

/** Of a schedule that a handler makes while it runs: all that is wrong in one sentence. */
export function readTimesSaid(raw: unknown): { readonly value: Schedule } | { readonly problem: string } {
  const read = readSchedule(raw);
  if ("value" in read) return read;
  return { problem: read.problems.map(({ at, message }) => [...at, message].join(" ")).join("; ") };
}

/** Why a handler of that kind and those subjects can have no schedule: each a problem of the option as a whole. */
export function scheduleRefusals(kind: HandlerKind, subjects: readonly string[], raw: Fields): ScheduleProblem[] {
  const refuse = (message: string) => [{ at: [], message }];
  return [
    ...(kind === "request"
      ? refuse('is for handlers of kind "durable" or "event": nobody waits for the reply of a scheduled run')
      : []),
    ...subjects
      .filter(hasWildcards)
      .flatMap((subject) =>
        refuse(`needs a subject without wildcards, to which its messages are published; received "${subject}"`),
      ),
    ...(subjects.length > 1
      ? refuse(`needs one subject, to which its messages are published; received ${subjects.length}`)
      : []),
    ...["stream", "domain"]
      .filter((key) => raw[key] !== undefined)
      .flatMap((key) =>
        refuse(
          `cannot go with \`${key}\`: its messages are published to the subject, and go to the stream that takes it`,
        ),
      ),
  ];
}

/** `0 5 * * * (Europe/Berlin)`, `every 90000 ms`: without a choice of words. */
export function timesKey(times: PlannedTimes): string {
  return times.kind === "every" ? `every ${times.everyMs} ms` : `${times.pattern} (${times.timeZone})`;
}

function readFields(given: Fields, cronAt: readonly string[]): ReadSchedule {
  const problems: ScheduleProblem[] = Object.keys(given)
    .filter((key) => !KEYS.includes(key))
    .map((key) => ({
      at: [key],
      message: `is not an option.${didYouMean(key, KEYS) || ` There are: ${KEYS.join(", ")}.`}`,
    }));
  const times = readTimes(given, cronAt);
  if ("problems" in times) problems.push(...times.problems);
  const catching = missed(given.missed ?? "once");
  if ("problem" in catching) problems.push({ at: ["missed"], message: catching.problem });
  if ("problems" in times || "problem" in catching || problems.length > 0) return { problems };
  return { value: { times: times.value, missed: catching.value as Missed, payload: "" } };
}

type ReadTimes = { readonly value: PlannedTimes } | { readonly problems: readonly ScheduleProblem[] };

function readTimes(given: Fields, cronAt: readonly string[]): ReadTimes {
  const { cron, timeZone = "UTC" } = given;
  if (cron !== undefined && given.every !== undefined)
    return only(["every"], "cannot go with cron: give one of the two");
  if (cron === undefined && given.every === undefined) return only([], problem(EXAMPLE, given).problem);
  if (cron === undefined) {
    if (given.timeZone !== undefined) return only(["timeZone"], "is for cron patterns: an interval has none");
    const read: Read<number> = every(given.every);
    return "value" in read ? { value: { kind: "every", everyMs: read.value } } : only(["every"], read.problem);
  }
  if (typeof timeZone !== "string" || !isTimeZone(timeZone))
    return only(["timeZone"], problem('must be a time zone such as "Europe/Berlin"', timeZone).problem);
  if (typeof cron !== "string") return only(cronAt, problem('must be a text such as "0 5 * * *"', cron).problem);
  const wrong = cronProblem(cron, timeZone);
  if (wrong !== undefined) return only(cronAt, problem(wrong, cron).problem);
  return { value: { kind: "cron", pattern: cron, timeZone } };
}

function only(at: readonly string[], message: string): { readonly problems: readonly ScheduleProblem[] } {
  return { problems: [{ at, message }] };
}
