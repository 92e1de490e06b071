// A new version that has a share of the messages, beside the version before: which messages are its, how both do, and what
// follows from that.
//
// Y1  Which version a message is for follows from its number, the same in every replica. Again it is for the version before: what a
//     new version fails becomes no dead letter by it.
// Y2  Each message counts once, at its first attempt. What the handler had no part in does not count.
// Y3  It is returned as soon as it cannot pass any more: when it has failed more messages than it may have of all that it is
//     tried with. It passes once it has handled so many. Neither before the version before has handled as many as it has.

import type { Delivery } from "../message/delivery.ts";
import { isFailure, type Outcome, type OutcomeKind } from "../message/outcome.ts";
import type { CanaryRule } from "../metadata/handler-metadata.ts";

/** What one of the versions has done since both run. */
export interface CanaryFigures {
  readonly handled: number;
  /** Among those that it has handled. */
  readonly failed: number;
}

export type Verdict = "passed" | "failed";

/** 2^32 by the golden ratio: consecutive numbers are spread evenly, and so are those of a part of them. */
const GOLDEN = 0x9e37_79b1;

const NOT_ITS_DOING: readonly OutcomeKind[] = [
  "filtered",
  "slow-down",
  "cancelled",
  "too-many-hops",
  "queue-full",
  "given-back",
];

export class Canary {
  readonly version: string;
  readonly rule: CanaryRule;
  private readonly onVerdict: (verdict: Verdict) => void;
  private readonly own = { handled: 0, failed: 0 };
  private readonly before = { handled: 0, failed: 0 };
  private verdict: Verdict | undefined;
  /** Numbers of messages that it has failed, and that come again as if for the first time. */
  private readonly left = new Set<number>();

  /** @param onVerdict once, while a message is being settled: what follows is for later */
  constructor(version: string, rule: CanaryRule, onVerdict: (verdict: Verdict) => void) {
    this.version = version;
    this.rule = rule;
    this.onVerdict = onVerdict;
  }

  get figures(): { readonly own: CanaryFigures; readonly before: CanaryFigures } {
    return { own: { ...this.own }, before: { ...this.before } };
  }

  /** Y1. */
  takes({ seq, attempt }: Pick<Delivery, "seq" | "attempt">): boolean {
    return attempt === 1 && !this.left.has(seq) && (Math.imul(seq, GOLDEN) >>> 0) / 2 ** 32 < this.rule.percent / 100;
  }

  /** Y1: it comes again, uncharged. */
  leave({ seq }: Pick<Delivery, "seq">): void {
    this.left.add(seq);
  }

  /** Y2, Y3. @param isOwn whether it was run by the new version */
  count(isOwn: boolean, { attempt }: Pick<Delivery, "attempt">, outcome: Outcome): void {
    if (attempt > 1 || NOT_ITS_DOING.includes(outcome.kind)) return;
    const figures = isOwn ? this.own : this.before;
    figures.handled++;
    if (isFailure(outcome)) figures.failed++;
    if (this.verdict !== undefined) return;
    this.verdict = verdictOn(this.own, this.before, this.rule);
    if (this.verdict !== undefined) this.onVerdict(this.verdict);
  }
}

/** Y3. Pure; undefined: not yet. */
export function verdictOn(own: CanaryFigures, before: CanaryFigures, rule: CanaryRule): Verdict | undefined {
  if (before.handled < own.handled) return undefined;
  const rate = before.handled === 0 ? 0 : before.failed / before.handled;
  const of = Math.max(rule.messages, own.handled);
  if (own.failed > (rate + rule.tolerance / 100) * of) return "failed";
  return own.handled >= rule.messages ? "passed" : undefined;
}
