// The way of a message: from what was published first, through every handler it came to and all that they published, as far as
// it was seen. Pure.
//
// W1  A message is called by its origin (message/origin.ts): what has the same one is the same message.
// W2  What is not known is said, never drawn as if it had not happened: who has not taken a message may have done so unseen.

import { claimOn, claims } from "../metadata/claims.ts";
import { redactedText } from "../observe/redact.ts";
import type { HandlerRow, Tone } from "./answers.ts";
import type { Absent, WayAttempt, WayMessage, WayTaker, WayView } from "./message-answers.ts";
import { type MadeByCall, type Run, SENT_FROM_HERE, type Sighting } from "./message-watch.ts";
import { isRun, isWell, messageRow } from "./read-messages.ts";

/** What is known of a handler that might take a message. */
export type Known = Pick<HandlerRow, "name" | "kind" | "subjects" | "subject" | "state" | "tone" | "off" | "holds">;

export type WayTree = Pick<WayView, "root" | "asked" | "fromMs" | "untilMs" | "open" | "cut">;

export interface Way {
  readonly tree: WayTree;
  /** Whether something that is seen now may belong to it. */
  touches(one: Sighting): boolean;
}

const MOST_MESSAGES = 300;

/** Undefined when nothing is known of it. */
export function wayOf(asked: string, kept: Iterable<Sighting>, handlers: readonly Known[]): Way | undefined {
  const seen = new Index(kept);
  const root = seen.rootOf(asked);
  if (!seen.knows(root)) return undefined;
  return new Tree(seen, handlers).from(root, asked);
}

class Index {
  private readonly runs = new Map<string, Run[]>();
  private readonly calls = new Map<string, MadeByCall>();
  private readonly callsDuring = new Map<string, MadeByCall[]>();
  private readonly origins = new Map<string, string>();
  private readonly problems = new Map<string, string>();

  constructor(kept: Iterable<Sighting>) {
    for (const one of kept) {
      if (isRun(one)) {
        append(this.runs, one.origin, one);
        this.origins.set(deliveryKey(one), one.origin);
      } else if (one.kind === "call" && !this.calls.has(one.origin)) {
        this.calls.set(one.origin, one);
        if (one.handler !== SENT_FROM_HERE) append(this.callsDuring, deliveryKey(one), one);
      } else if (one.kind === "refusal") this.problems.set(one.origin, one.problem);
    }
  }

  knows(origin: string): boolean {
    return this.runs.has(origin) || this.calls.has(origin);
  }

  /** As far back as was seen. */
  rootOf(asked: string): string {
    const passed = new Set<string>();
    for (let origin = asked; ; ) {
      passed.add(origin);
      const call = this.calls.get(origin);
      const before = call === undefined ? undefined : this.origins.get(deliveryKey(call));
      if (before === undefined || passed.has(before)) return origin;
      origin = before;
    }
  }

  callOf(origin: string): MadeByCall | undefined {
    return this.calls.get(origin);
  }

  problemOf(origin: string): string | undefined {
    return this.problems.get(origin);
  }

  runsOf(origin: string): readonly Run[] {
    return this.runs.get(origin) ?? [];
  }

  callsOf(run: Run): readonly MadeByCall[] {
    return this.callsDuring.get(deliveryKey(run)) ?? [];
  }
}

class Tree {
  private readonly seen: Index;
  private readonly handlers: readonly Known[];
  private readonly shown = new Set<string>();
  private readonly deliveries = new Set<string>();
  private fromMs = Number.POSITIVE_INFINITY;
  private untilMs = 0;
  private isOpen = false;
  private isCut = false;

  constructor(seen: Index, handlers: readonly Known[]) {
    this.seen = seen;
    this.handlers = handlers;
  }

  from(origin: string, asked: string): Way {
    const root = this.message(origin);
    const { fromMs, untilMs, isOpen: open, isCut: cut, shown, deliveries } = this;
    return {
      tree: { root, asked, fromMs, untilMs, open, cut },
      touches: (one) => ("origin" in one && shown.has(one.origin)) || deliveries.has(deliveryKey(one)),
    };
  }

  private message(origin: string): WayMessage {
    this.shown.add(origin);
    const call = this.seen.callOf(origin);
    const runs = this.seen.runsOf(origin);
    const problem = this.seen.problemOf(origin);
    if (call !== undefined) this.covers(call.atMs, call.atMs);
    const takers = [...Map.groupBy(runs, ({ handler }) => handler)].map(([handler, of]) => this.taker(handler, of));
    const subject = call?.subject ?? runs[0]?.subject ?? "";
    const taken = new Set(takers.map(({ handler }) => handler));
    const absent = call === undefined || problem !== undefined ? [] : this.absentFrom(subject, taken);
    if (absent.length > 0) this.isOpen = true;
    return {
      origin,
      subject,
      by: call === undefined || call.handler === SENT_FROM_HERE ? undefined : call.handler,
      verb: call?.verb,
      atMs: call?.atMs,
      leavesAtMs: call?.leavesAtMs,
      problem: problem && redactedText(problem),
      takers: takers.sort((a, b) => startOf(a) - startOf(b)),
      absent,
    };
  }

  private taker(handler: string, runs: readonly Run[]): WayTaker {
    const inOrder = runs.toSorted((a, b) => a.atMs - b.atMs);
    for (const { atMs, tookMs } of inOrder) this.covers(atMs - tookMs, atMs);
    const last = inOrder.at(-1)!;
    const { state, nextAtMs } = fateOf(last);
    if (state === "retry") this.isOpen = true;
    for (const run of inOrder) this.deliveries.add(deliveryKey(run));
    const made = [...new Set(inOrder.flatMap((run) => this.seen.callsOf(run)).map(({ origin }) => origin))];
    return { handler, state, nextAtMs, attempts: inOrder.map(attemptOf), made: this.messages(made) };
  }

  private messages(origins: readonly string[]): WayMessage[] {
    return origins.flatMap((origin) => {
      if (this.shown.has(origin)) return []; // A circle: it is there already.
      if (this.shown.size < MOST_MESSAGES) return [this.message(origin)];
      this.isCut = true;
      return [];
    });
  }

  /** W2. */
  private absentFrom(subject: string, taken: ReadonlySet<string>): Absent[] {
    const takers = this.handlers.filter((one) => claimOn(claims(one), subject) !== undefined);
    return takers.filter(({ name }) => !taken.has(name)).map(absentOf);
  }

  private covers(fromMs: number, untilMs: number): void {
    this.fromMs = Math.min(this.fromMs, fromMs);
    this.untilMs = Math.max(this.untilMs, untilMs);
  }
}

function fateOf({ outcome, retryInMs, atMs, settled = "" }: Run): Pick<WayTaker, "state" | "nextAtMs"> {
  if (isWell(outcome)) return { state: "done" };
  if (retryInMs !== undefined) return { state: "retry", nextAtMs: atMs + retryInMs };
  const isPutOff = settled.startsWith("NATS did not take");
  return { state: outcome === "given-back" || isPutOff ? "given-back" : "given-up" };
}

function absentOf({ name, kind, state, tone, off, holds }: Known): Absent {
  const [by] = off;
  const [hold] = holds;
  if (by !== undefined) return { handler: name, tone: "off", why: `is disabled by ${by.by}${offWhy(by.reason)}` };
  if (hold !== undefined) return { handler: name, tone: "stuck", why: `is stuck: ${hold.text}` };
  if (tone === "bad") return { handler: name, tone, why: `is ${state}` };
  const waits: Tone = kind === "durable" ? "coming" : "idle";
  return { handler: name, tone: waits, why: "has not been seen to end with it yet" };
}

function offWhy(reason: string): string {
  return reason === "" ? "" : `: ${reason}`;
}

function attemptOf(run: Run): WayAttempt {
  return { ...messageRow(run), waitedMs: Math.round(run.waitedMs * 10) / 10 };
}

function startOf({ attempts }: WayTaker): number {
  const [first] = attempts;
  return first === undefined ? 0 : first.atMs - first.tookMs;
}

function deliveryKey({ handler, id }: Pick<Sighting, "handler" | "id">): string {
  return `${handler}\n${id}`;
}

function append<T>(to: Map<string, T[]>, key: string, one: T): void {
  const list = to.get(key);
  if (list === undefined) to.set(key, [one]);
  else list.push(one);
}
