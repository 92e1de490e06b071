// The versions on their way out: replaced, turned off or removed, finishing what they have in flight.

import { type Clock, within } from "../clock.ts";
import type { Route } from "../deliver/route.ts";
import type { Generation } from "./generation.ts";
import type { SlotReports } from "./slot-reports.ts";

/** What a handler has in flight has its own timeouts: nothing else hurries it. */
export const UNHURRIED_MS = 24 * 3_600_000;

export class RetiringGenerations {
  private readonly clock: Clock;
  private readonly reports: SlotReports;
  private readonly finishing = new Set<Generation>();
  private readonly leaving = new Set<Promise<unknown>>();

  constructor(clock: Clock, reports: SlotReports) {
    this.clock = clock;
    this.reports = reports;
  }

  get generations(): Generation[] {
    return [...this.finishing];
  }

  /** A newer version has taken over: let the workers go, and the route too unless the newer one has it. */
  replace(old: Generation, routeStays: boolean): void {
    void this.track(old, routeStays ? old.dismiss().then(() => []) : old.shutDown(UNHURRIED_MS, "reload"));
  }

  /** Unbind, finish, end. Resolves with the subjects of what did not end within `graceMs`. Never rejects. */
  takeDown(generation: Generation, graceMs: number, why: "shutdown" | "disabled"): Promise<string[]> {
    return this.track(generation, generation.shutDown(graceMs, why));
  }

  /** End what has not ended within `graceMs`. Resolves with its subjects, but for those that come by `except`. */
  async end(graceMs: number, except: Route | undefined): Promise<string[]> {
    const late = this.generations;
    const all = Promise.all(this.leaving);
    if ((await within(this.clock, graceMs, all)) !== "expired") return [];
    const apart = new Set(late.map(({ route }) => route).filter((route) => route !== except));
    const subjects = [...apart].flatMap(({ dispatcher }) => dispatcher.lanes.describeInFlight());
    await this.terminate();
    await all;
    return subjects;
  }

  /** Kill what is left now. */
  async terminate(): Promise<void> {
    const late = this.generations;
    await Promise.all(late.map((generation) => generation.terminate()));
    for (const { route } of late) route.giveBackQueued("shutdown");
  }

  private track(generation: Generation, ending: Promise<string[]>): Promise<string[]> {
    this.finishing.add(generation);
    const left = ending
      .then(async (unfinished) => {
        await generation.discard();
        this.reports.retired(generation, !generation.wasKilled);
        return unfinished;
      })
      .finally(() => {
        this.finishing.delete(generation);
        this.leaving.delete(left);
      });
    this.leaving.add(left);
    return left;
  }
}
