// Adds up over all messages what a version does differently, and leaves out what differs by itself.
//
// N1  Each message is run twice by the version of before. Where its two runs differ, that is noise, of all messages: an id
//     that happens to be the same twice is an id all the same.
// N2  Where noise is no more than ids, times and numbers in a value, a value that is otherwise unlike is still a difference.
// N3  A message on which the version of before ends one way and then another says nothing, and is counted apart.
// N4  What is kept does not grow with the messages' contents: values are cut, examples counted.

import { type Difference, differencesBetween } from "./differences.ts";
import type { Seen } from "./seen.ts";
import { alike } from "./shape.ts";

export interface Example {
  /** Of the message in its stream. */
  readonly sequence: number;
  /** As JSON, cut. */
  readonly before: string;
  readonly after: string;
}

export interface FoundDifference {
  readonly what: string;
  /** How many messages have it. */
  readonly messages: number;
  /** The first ones. */
  readonly examples: readonly Example[];
}

export interface Compared {
  readonly messages: number;
  /** Messages with any difference. */
  readonly differing: number;
  /** N3. */
  readonly unsteady: number;
  /** Those of most messages first. */
  readonly differences: readonly FoundDifference[];
  /** Names of what differs by itself. */
  readonly noise: readonly string[];
  readonly took: { readonly before: Took; readonly after: Took };
}

export interface Took {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const MOST_EXAMPLES = 3;
const MOST_CHARS = 160;

interface Tally {
  messages: number;
  examples: Example[];
}

/** Of one name: those that are alike but for ids and numbers apart from the others (N2). */
interface Tallies {
  readonly alike: Tally;
  readonly unlike: Tally;
}

/** What differs of one message, by name; true: no more than ids and numbers. */
type Marks = ReadonlyMap<string, boolean>;

export class Comparison {
  private readonly tallies = new Map<string, Tallies>();
  private readonly noise = new Map<string, "alike" | "unlike">();
  private readonly marks: Marks[] = [];
  private readonly tookMs: { readonly before: number[]; readonly after: number[] } = { before: [], after: [] };
  private messages = 0;
  private unsteady = 0;

  /** `again`: the second run of the version of before. */
  add(sequence: number, before: Seen, again: Seen, after: Seen): void {
    this.messages++;
    this.tookMs.before.push(before.tookMs);
    this.tookMs.after.push(after.tookMs);
    if (before.outcome !== again.outcome) {
      this.unsteady++; // N3
      return;
    }
    for (const { what, ...values } of differencesBetween(before, again)) {
      if (this.noise.get(what) !== "unlike") this.noise.set(what, likeness(values));
    }
    const found = differencesBetween(before, after);
    if (found.length > 0) this.tally(sequence, found);
  }

  /** What is known when all have been added. */
  result(): Compared {
    const differences = [...this.tallies].flatMap(([what, tallies]) => this.counted(what, tallies));
    const kept = new Set(differences.map(({ what }) => what));
    return {
      messages: this.messages,
      differing: this.marks.filter((marks) => this.isDifferent(marks, kept)).length,
      unsteady: this.unsteady,
      differences: differences.sort((a, b) => b.messages - a.messages || (a.what < b.what ? -1 : 1)),
      noise: [...this.noise.keys()].sort(),
      took: { before: tookOf(this.tookMs.before), after: tookOf(this.tookMs.after) },
    };
  }

  private tally(sequence: number, found: readonly Difference[]): void {
    const marks = new Map<string, boolean>();
    const examples = new Map<string, Example>();
    for (const { what, ...values } of found) {
      const isAlike = likeness(values) === "alike";
      const before = marks.get(what);
      if (before === false || (before === true && isAlike)) continue; // One of each message says enough.
      marks.set(what, isAlike);
      examples.set(what, { sequence, before: preview(values.before), after: preview(values.after) });
    }
    for (const [what, isAlike] of marks) {
      const tallies = this.tallies.get(what) ?? { alike: emptyTally(), unlike: emptyTally() };
      this.tallies.set(what, tallies);
      const tally = tallies[isAlike ? "alike" : "unlike"];
      tally.messages++;
      if (tally.examples.length < MOST_EXAMPLES) tally.examples.push(examples.get(what)!);
    }
    this.marks.push(marks);
  }

  /** N1, N2. */
  private counted(what: string, { alike: near, unlike }: Tallies): FoundDifference[] {
    const noise = this.noise.get(what);
    const messages = noise === "unlike" ? 0 : unlike.messages + (noise === undefined ? near.messages : 0);
    if (messages === 0) return [];
    const examples = noise === undefined ? [...near.examples, ...unlike.examples] : unlike.examples;
    return [{ what, messages, examples: examples.sort(bySequence).slice(0, MOST_EXAMPLES) }];
  }

  private isDifferent(marks: Marks, kept: ReadonlySet<string>): boolean {
    return [...marks].some(([what, isAlike]) => kept.has(what) && !(isAlike && this.noise.has(what)));
  }
}

function emptyTally(): Tally {
  return { messages: 0, examples: [] };
}

function likeness({ before, after }: Omit<Difference, "what">): "alike" | "unlike" {
  return alike(before, after) ? "alike" : "unlike";
}

function bySequence(a: Example, b: Example): number {
  return a.sequence - b.sequence;
}

function preview(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS - 1)}…` : text;
}

function tookOf(all: readonly number[]): Took {
  const sorted = Float64Array.from(all).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
}
