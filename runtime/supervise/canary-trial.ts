// Tries a new version of a handler on a share of its messages, beside the version that serves (`canary` in its metadata).
//
// T1  The version that serves stays the handler's until the new one has passed: what dies, wakes or is disabled is that one.
// T2  What takes other messages, or is tried beside a version that is not well, is not tried: it goes live as any save does.
// T3  The version before is kept before anybody is told to go back to it.
// T4  A new version whose worker ends is returned at once. When an operator has ended it, it is tried anew.

import { Canary, type CanaryFigures, type Verdict } from "../deliver/canary.ts";
import type { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { Generation, LostWorker } from "./generation.ts";
import type { HandlerVersions } from "./slot-deps.ts";
import type { SlotReports } from "./slot-reports.ts";

export interface CanaryTrialsOptions {
  readonly handler: string;
  readonly versions: HandlerVersions | undefined;
  readonly reports: SlotReports;
  readonly emit: Emit;
  /** Take it down: what it has begun it finishes. */
  readonly retire: (generation: Generation) => void;
  /** It is to take all messages. */
  readonly onPassed: (generation: Generation) => void;
  /** To be tried from the beginning. */
  readonly onAgain: () => void;
}

/** How a trial stands. */
export interface CanaryStanding {
  readonly version: string;
  readonly percent: number;
  /** So many messages it is to handle. */
  readonly messages: number;
  readonly own: CanaryFigures;
  readonly before: CanaryFigures;
  /** Of its workers. */
  readonly pids: readonly number[];
}

interface Trial {
  readonly generation: Generation;
  readonly before: Generation;
  readonly canary: Canary;
  readonly kept: Promise<void>;
}

export class CanaryTrials {
  private readonly options: CanaryTrialsOptions;
  private trial: Trial | undefined;

  constructor(options: CanaryTrialsOptions) {
    this.options = options;
  }

  get standing(): CanaryStanding | undefined {
    if (this.trial === undefined) return undefined;
    const { version, rule, figures } = this.trial.canary;
    const { percent, messages } = rule;
    return { version, percent, messages, ...figures, pids: this.trial.generation.pids };
  }

  get generation(): Generation | undefined {
    return this.trial?.generation;
  }

  isOf(version: string): boolean {
    return this.trial?.canary.version === version;
  }

  /** Whether the version is tried from now on, instead of one that was. @param isWell whether the version before serves */
  begin(generation: Generation, before: Generation | undefined, isWell: boolean): boolean {
    const { canary: rule } = generation.metadata;
    const { version } = generation.bundle;
    if (rule === undefined || before === undefined || before.bundle.version === version) return false;
    const { handler, versions, emit } = this.options;
    const may = versions?.mayTry(generation.bundle) ?? "not-kept";
    const against = may === "not-kept" ? NOT_KEPT : whyNot(generation, before, isWell);
    if (may === false) return false;
    if (against !== undefined) {
      const message = `handler "${handler}": version ${version} takes all messages at once, without a canary: ${against}`;
      emit({ type: "runtime.notice", level: "warn", message });
      return false;
    }
    this.end();
    const canary = new Canary(version, rule, (verdict) => queueMicrotask(() => this.decide(canary, verdict)));
    const kept = versions?.keepNow(before.bundle, before.metadata) ?? Promise.resolve();
    this.trial = { generation, before, canary, kept };
    generation.openBeside(canary);
    const about = { handler, version, before: before.bundle.version };
    emit({ type: "canary.began", ...about, percent: rule.percent });
    return true;
  }

  /** Without a verdict. */
  end(): void {
    const { trial } = this;
    if (trial === undefined) return;
    this.trial = undefined;
    trial.generation.route.endTrial();
    this.options.retire(trial.generation);
  }

  /** It is no longer tried: the caller has it serve. */
  release(): void {
    this.trial = undefined;
  }

  /** T4. Its worker has ended unasked. */
  lost({ pid, death }: LostWorker, error: RuntimeError): void {
    const { reports, onAgain } = this.options;
    if (this.trial !== undefined) reports.lost(this.trial.generation, pid, error, undefined);
    if (death.of !== "operator") return this.goBack(error.message);
    this.end();
    onAgain();
  }

  private decide(canary: Canary, verdict: Verdict): void {
    const { trial } = this;
    if (trial?.canary !== canary) return;
    const { own, before } = canary.figures;
    const figures = `${figuresText(own)}; of the version before ${figuresText(before)}`;
    if (verdict === "failed") return this.goBack(figures);
    const { handler, emit, onPassed } = this.options;
    const about = { handler, version: canary.version, before: trial.before.bundle.version };
    emit({ type: "canary.passed", ...about, figures });
    onPassed(trial.generation);
  }

  private goBack(reason: string): void {
    const { trial } = this;
    if (trial === undefined) return;
    const { handler, versions, emit } = this.options;
    const { version } = trial.canary;
    const before = trial.before.bundle.version;
    this.end();
    emit({ type: "canary.returned", handler, version, before, reason });
    void trial.kept.then(() => versions?.returned(handler, version, before, reason)); // T3
  }
}

const NOT_KEPT = "no version is kept that every replica could go back to (`keepVersions`, JetStream)";

/** T2. */
function whyNot(generation: Generation, before: Generation, isWell: boolean): string | undefined {
  if (generation.route !== before.route)
    return "it takes other messages than the version before, or queues them otherwise";
  if (before.metadata.workers > 1) return `the version before has ${before.metadata.workers} workers`;
  return isWell && generation.pids.length > 0 ? undefined : "the version before does not serve";
}

function figuresText({ handled, failed }: CanaryFigures): string {
  const rate = handled === 0 ? 0 : (failed / handled) * 100;
  return `${failed} of ${handled} messages failed (${Number(rate.toFixed(1))} %)`;
}
