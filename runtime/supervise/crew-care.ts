// Workers of the version that serves: brought up where some are missing, let go when there is nothing to do (D6), and woken
// by the next message.

import type { HandlerStats } from "../deliver/handler-stats.ts";
import { type RuntimeError, toRuntimeError } from "../errors.ts";
import type { Generation } from "./generation.ts";
import { IdleWatch } from "./idle-watch.ts";
import { type CandidateSource, servingCandidate } from "./prepare.ts";
import type { Recovery } from "./recovery.ts";
import { RecycleWatch } from "./recycle-watch.ts";
import type { SlotDeps } from "./slot-deps.ts";
import type { SlotLife } from "./slot-life.ts";
import type { Why } from "./slot-reports.ts";
import type { SlotTurns } from "./slot-turns.ts";
import { Superseded } from "./superseded.ts";

export interface CrewCareOptions {
  readonly handler: string;
  readonly deps: SlotDeps;
  readonly life: SlotLife;
  readonly turns: SlotTurns;
  readonly recovery: Recovery;
  readonly stats: HandlerStats;
  /** What a worker is brought up from now. Whatever came up before that is cut short. */
  readonly source: () => Omit<CandidateSource, "bundle">;
  /** A version serves again. */
  readonly onServing: (why: Why, sinceMs: number) => void;
  /** A worker did not come up. `only`: none is there that goes on serving. */
  readonly onFailed: (error: RuntimeError, only: boolean) => void;
  /** Its workers are to be replaced by fresh ones. */
  readonly onRecycle: () => void;
}

export class CrewCare {
  private readonly options: CrewCareOptions;
  private readonly idle: IdleWatch;
  private readonly recycling: RecycleWatch;

  constructor(options: CrewCareOptions) {
    this.options = options;
    this.idle = new IdleWatch(options.deps.clock);
    this.recycling = new RecycleWatch(options.deps.clock, options.stats);
  }

  /** One more worker of the version, after the steps before it. */
  recruit(generation: Generation): Promise<void> {
    return this.options.turns.run(() => this.recruitNow(generation));
  }

  /** More workers of the same version, where `workers` asks for them. */
  complete(generation: Generation): void {
    const missing = generation.metadata.workers - generation.pids.length;
    for (let at = 0; at < missing; at++) void this.recruit(generation);
  }

  /** A message has come to a handler without a process. */
  wake(): void {
    const { life } = this.options;
    const { current } = life;
    if (!life.is("idle") || current === undefined) return;
    life.move("wake");
    void this.recruit(current);
  }

  /** Let the version's workers go, or replace them, when it is time. */
  watch(): void {
    const { life, onRecycle } = this.options;
    if (life.current === undefined) return;
    this.watchIdle();
    this.recycling.watch(life.current, onRecycle);
  }

  /** D6: an idle handler gives up its process, and keeps its binding. */
  private watchIdle(): void {
    const { life } = this.options;
    const { current } = life;
    if (current === undefined) return;
    this.idle.watch(current, () => {
      if (life.current !== current || !life.is("serving")) return;
      life.move("went-idle");
      void current.dismiss();
    });
  }

  /** No version serves any more, or none may go. */
  stop(): void {
    this.idle.stop();
    this.recycling.stop();
  }

  private async recruitNow(generation: Generation): Promise<void> {
    const { handler, deps, life, source, onFailed } = this.options;
    if (life.current !== generation || generation.pids.length >= generation.metadata.workers) return;
    if (life.is("stopped", "disabled")) return;
    const sinceMs = deps.clock.monotonicMs();
    const why: Why = life.is("waking") ? "wake" : "restart";
    const candidate = { ...source(), bundle: generation.bundle };
    // It has come up before: it does not wait for those that are to change.
    const place = deps.gate.queue(Number.NEGATIVE_INFINITY);
    try {
      await place.enter(() => generation.recruit(servingCandidate(candidate)), candidate.signal);
      if (!life.is("serving")) this.serveAgain(generation, why, sinceMs);
    } catch (error) {
      if (error instanceof Superseded) return;
      onFailed(toRuntimeError(error, `handler "${handler}" could not be restarted`), !life.is("serving"));
    } finally {
      place.leave();
    }
  }

  private serveAgain(generation: Generation, why: Why, sinceMs: number): void {
    const { deps, life, recovery, stats, onServing } = this.options;
    generation.route.comeBack(recovery.onTrial);
    life.move("brought-up");
    if (why === "restart") stats.restarts++;
    else stats.wokenAfter(deps.clock.monotonicMs() - sinceMs);
    onServing(why, sinceMs);
    this.watchIdle();
  }
}
