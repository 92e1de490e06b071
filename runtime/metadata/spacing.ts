// `debounce` and `throttle` in a handler's metadata: how far apart the messages of a key are run. Pure.

import type { DebounceRule, MessageKey, ResolvedMetadata, ThrottleRule } from "./handler-metadata.ts";
import { messageKeyProblems, messageKeyText, readMessageKey } from "./message-key.ts";
import type { Problem } from "./metadata-problems.ts";
import { didYouMean } from "./nearest.ts";
import { duration, problem, type Reader } from "./options.ts";

type Fields = Readonly<Record<string, unknown>>;

const DAY_MS = 86_400_000;
const UP_TO_A_WEEK = duration(1, 7 * DAY_MS, '"1ms" to "7d"');

interface Option {
  readonly name: "debounce" | "throttle";
  readonly example: string;
  readonly fields: Readonly<Record<string, Reader<unknown>>>;
  /** The field without which it says nothing, and what that is. */
  readonly needed: readonly [field: string, what: string];
}

const DEBOUNCE: Option = {
  name: "debounce",
  example: '{ wait: "5s", key: { wildcard: 0 } }',
  fields: { wait: duration(1, DAY_MS, '"1ms" to "1d"'), max: UP_TO_A_WEEK, key: readMessageKey },
  needed: ["wait", "say for how long no further message must have come"],
};
const THROTTLE: Option = {
  name: "throttle",
  example: '{ every: "1m", key: { wildcard: 0 } }',
  fields: { every: UP_TO_A_WEEK, key: readMessageKey },
  needed: ["every", "say how long after a message the next one may run"],
};

type MarkedMetadata = Pick<ResolvedMetadata, "debounce" | "throttle" | "singleton">;
export type Spacing = Pick<ResolvedMetadata, "debounce" | "throttle">;

/** Whether something of it is kept for all replicas (bind/key-marks.ts). */
export function usesMarks({ debounce, throttle, singleton }: MarkedMetadata): boolean {
  return debounce !== undefined || throttle !== undefined || singleton;
}

/** Undefined: each message is run. */
export function spacingOf({ debounce, throttle }: ResolvedMetadata): Spacing | undefined {
  if (debounce !== undefined) return { debounce };
  return throttle && { throttle };
}

/** What there is of both, and adds what is wrong to `problems`. `raw`: as it was written. */
export function readSpacing(raw: Fields, problems: Problem[]): Spacing {
  const debounce = readOption(DEBOUNCE, raw.debounce, problems);
  const throttle = readOption(THROTTLE, raw.throttle, problems);
  return {
    ...(debounce === undefined ? {} : { debounce: debounceOf(debounce, problems) }),
    ...(throttle === undefined ? {} : { throttle: { everyMs: throttle.every, key: throttle.key } as ThrottleRule }),
  };
}

function debounceOf({ wait: waitMs, max: maxMs, key }: Fields, problems: Problem[]): DebounceRule {
  if (typeof maxMs === "number" && typeof waitMs === "number" && maxMs < waitMs) {
    const message = "must not be less than wait: no message would have its quiet time";
    problems.push({ path: ["debounce", "max"], message });
  }
  return { waitMs, maxMs, key } as DebounceRule;
}

/** Fields that could be read. */
function readOption({ name, example, fields, needed }: Option, raw: unknown, problems: Problem[]): Fields | undefined {
  if (raw === undefined) return undefined;
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    problems.push({ path: [name], message: problem(`must be an object such as ${example}`, raw).problem });
    return undefined;
  }
  const known = Object.keys(fields);
  const given = Object.entries(raw).filter(([, value]) => value !== undefined);
  const [field, what] = needed;
  if (!given.some(([key]) => key === field))
    problems.push({ path: [name, field], message: `is missing: ${what}, as in ${example}` });
  const values: Record<string, unknown> = {};
  for (const [key, value] of given) {
    const read = fields[key]?.(value);
    if (read === undefined) {
      const message = `is not an option.${didYouMean(key, known) || ` There are: ${known.join(", ")}.`}`;
      problems.push({ path: [name, key], message });
    } else if ("problem" in read) problems.push({ path: [name, key], message: read.problem });
    else values[key] = read.value;
  }
  return values;
}

/** For people; undefined: each message is run. @param text of a duration */
export function spacingText({ debounce, throttle }: Spacing, text: (ms: number) => string): string | undefined {
  const of = (key: MessageKey | undefined) => (key === undefined ? "all" : `each ${messageKeyText(key)}`);
  if (debounce !== undefined) {
    const { waitMs, maxMs, key } = debounce;
    const most = maxMs === undefined ? "" : `, ${text(maxMs)} after the first at the latest`;
    return `the last of ${of(key)} runs, ${text(waitMs)} after it${most}`;
  }
  return throttle && `the first of ${of(throttle.key)} runs, then none for ${text(throttle.everyMs)}`;
}

/** What they do not go with. `raw`: as it was written. */
export function spacingProblems(raw: Fields, metadata: ResolvedMetadata): Problem[] {
  const { debounce, throttle, kind, fleetOrder } = metadata;
  const refuse = (name: string) => (message: string) => ({ path: [name], message });
  const ofBoth = [
    ...(kind === "durable" ? [] : [`is for handlers of kind "durable" only; this one is "${kind}"`]),
    ...(metadata.filters
      ? [
          "cannot be kept beside when: a message that is let pass would stand for one that is not; give them subjects of their own",
        ]
      : []),
  ];
  const ofDebounce =
    debounce === undefined
      ? []
      : [
          ...ofBoth,
          ...(throttle === undefined ? [] : ["cannot be kept beside throttle: leave out one of them"]),
          ...(metadata.oneAtATime
            ? ['cannot be kept beside concurrency "one": the message that waits would hold up the one that replaces it']
            : []),
          ...(metadata.ordered || fleetOrder !== undefined
            ? ["cannot be kept beside orderBy: of a key only the last message is run; leave out one of them"]
            : []),
          ...(raw.schedule === undefined
            ? []
            : ["cannot be kept beside schedule: what is planned for a time would be put off"]),
        ];
  return [
    ...ofDebounce.map(refuse("debounce")),
    ...(throttle === undefined ? [] : ofBoth.map(refuse("throttle"))),
    ...messageKeyProblems(debounce?.key, ["debounce", "key"], metadata),
    ...messageKeyProblems(throttle?.key, ["throttle", "key"], metadata),
  ];
}
