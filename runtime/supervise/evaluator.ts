// Looks at what bundles export without giving each a process for good.
//
// E1  They share a process only as long as it is as it was before them, and small. One that changes anything, or leaves
//     something running, keeps it for itself, and the next ones get another: no handler sees what another one did.
// E2  Who fails where others were before is looked at again alone, and only that counts.
// E3  Who leaves something running must outlive it, for as long as `settleMs` says: then it is the one who is blamed.
// E4  As many at once as there are cores. Those that are only waited for (E3) hold none of them up.

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Bundle } from "../bundle/bundle.ts";
import type { Timer } from "../clock.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { declaredEnvironment } from "../isolate/environment.ts";
import type { WorkerSource } from "../isolate/worker-source.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { createConcurrencyLimit, type Gate } from "./concurrency-limit.ts";
import { guessLaunchNeeds } from "./launch-needs.ts";
import { type Subject, Trial, type TrialOptions } from "./trial.ts";

export interface EvaluatorOptions extends TrialOptions {
  /** What was found out when the handler was built; undefined: it is to be evaluated. */
  readonly known: (handler: string) => ResolvedMetadata | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pool: WorkerSource;
  /** How long a handler that leaves something running must live on; 0: that is not looked at. */
  readonly settleMs: number;
}

export interface Found {
  /** Checked, and filled in. */
  readonly metadata: ResolvedMetadata;
  /** Names of the variables it was given where they are set, beside those that all are. */
  readonly env: readonly string[];
  /** Paths of the code it has loaded beside its bundle; undefined: more than that decides what it says. */
  readonly outside: readonly string[] | undefined;
}

/** What came of one look. `isFirst`: nobody was in the process before. */
type Verdict =
  | { readonly kind: "good"; readonly found: Found }
  | { readonly kind: "failed"; readonly error: unknown; readonly isFirst: boolean }
  | {
      readonly kind: "running";
      readonly found: Found;
      readonly death: Promise<Error | undefined>;
      readonly isFirst: boolean;
    };

/** Nobody asks any more: no need to keep a process. */
const KEPT_MS = 2_000;
/** Modules cannot be unloaded. */
const MOST_LOOKS = 1_000;
const MOST_SETTLING = 8;

export class Evaluator {
  private readonly options: EvaluatorOptions;
  private readonly looking: Gate;
  private readonly settling: Gate = createConcurrencyLimit(MOST_SETTLING);
  private readonly trials = new Set<Trial>();
  /** Clean, and waiting for the next one. */
  private readonly idle: Trial[] = [];
  private asked = 0;
  private resting = false;
  private end: Timer | undefined;

  constructor(options: EvaluatorOptions) {
    this.options = options;
    this.looking = createConcurrencyLimit(availableParallelism());
  }

  /** Rejects with a RuntimeError that says where. */
  async look(file: HandlerFile, bundle: Bundle): Promise<Found> {
    const known = this.options.known(file.name);
    if (known !== undefined) return { metadata: known, env: [], outside: undefined };
    this.end?.cancel();
    this.asked++;
    try {
      return await this.judge(await this.subjectOf(file, bundle), false);
    } finally {
      this.asked--;
      if (this.asked === 0) this.onAllAnswered();
    }
  }

  /** End the processes as soon as those have their answer who ask. They are started again when asked for. */
  rest(): void {
    this.resting = true;
    if (this.asked === 0) this.close();
  }

  /** End the processes. */
  close(): void {
    this.end?.cancel();
    for (const trial of this.trials) this.release(trial);
  }

  /** E2. */
  private async judge(subject: Subject, alone: boolean): Promise<Found> {
    const verdict = await this.inTurn(this.looking, () => this.lookOnce(subject, alone));
    if (verdict.kind === "good") return verdict.found;
    const error = verdict.kind === "failed" ? verdict.error : await verdict.death;
    if (verdict.kind === "running" && error === undefined) return verdict.found;
    if (verdict.isFirst) throw error;
    return this.judge(subject, true);
  }

  private async lookOnce(subject: Subject, alone: boolean): Promise<Verdict> {
    const { defaults, settleMs } = this.options;
    const shares = !alone && subject.memoryMiB === defaults.memoryMiB;
    const trial = (shares ? this.idle.pop() : undefined) ?? (await this.begin(subject.memoryMiB));
    const isFirst = trial.looks === 0;
    try {
      const { metadata, aftermath, outside } = await trial.look(subject);
      const found = { metadata, env: subject.envNames, outside: aftermath === "clean" ? outside : undefined };
      if (aftermath === "running" && settleMs > 0) {
        const { death } = await this.settle(trial, subject);
        return { kind: "running", found, death, isFirst };
      }
      if (shares && aftermath === "clean" && trial.looks < MOST_LOOKS) this.idle.push(trial);
      else this.release(trial);
      return { kind: "good", found };
    } catch (error) {
      this.release(trial);
      return { kind: "failed", error, isFirst };
    }
  }

  /** E3. Resolves once there is room for it; what it gives then resolves with the error, if there is one. */
  private async settle(trial: Trial, subject: Subject): Promise<{ readonly death: Promise<Error | undefined> }> {
    const begun = Promise.withResolvers<void>();
    const death = this.inTurn(this.settling, async () => {
      begun.resolve();
      const error = await trial.diesWithin(this.options.settleMs, subject);
      this.release(trial);
      return error;
    });
    await begun.promise;
    return { death };
  }

  private async begin(memoryMiB: number): Promise<Trial> {
    const trial = new Trial(await this.options.pool.take(memoryMiB), this.options);
    this.trials.add(trial);
    trial.ended.then(() => this.release(trial));
    return trial;
  }

  private release(trial: Trial): void {
    this.trials.delete(trial);
    const at = this.idle.indexOf(trial);
    if (at !== -1) this.idle.splice(at, 1);
    trial.end();
  }

  private async subjectOf(file: HandlerFile, bundle: Bundle): Promise<Subject> {
    const { defaults, environment } = this.options;
    const source = await readFile(file.path, "utf8").catch(() => "");
    const needs = guessLaunchNeeds(source, defaults);
    const { values: env } = declaredEnvironment(needs.env, environment);
    return { file, bundle, source, memoryMiB: needs.memoryMiB, env, envNames: needs.env };
  }

  private async inTurn<T>(gate: Gate, step: () => Promise<T>): Promise<T> {
    const place = gate.queue(this.options.clock.monotonicMs());
    try {
      return await place.enter(step);
    } finally {
      place.leave();
    }
  }

  private onAllAnswered(): void {
    if (this.resting) return this.close();
    this.end = this.options.clock.after(KEPT_MS, () => this.close());
  }
}
