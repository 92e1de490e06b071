// What runs of a handler, in every version of it: those that take messages, and those that finish what they have in flight.

import type { Route, RunningDelivery } from "../deliver/route.ts";
import type { Generation } from "./generation.ts";

export class RunningMessages {
  private readonly generations: () => readonly (Generation | undefined)[];

  constructor(generations: () => readonly (Generation | undefined)[]) {
    this.generations = generations;
  }

  all(): RunningDelivery[] {
    return this.routes.flatMap((route) => route.running());
  }

  /** Undefined when no message of that id runs. Resolves when it has ended. */
  cancel(id: string, by: string): Promise<void> | undefined {
    for (const route of this.routes) {
      const ended = route.cancel(id, by);
      if (ended !== undefined) return ended;
    }
    return undefined;
  }

  private get routes(): readonly Route[] {
    return [...new Set(this.generations().flatMap((one) => (one === undefined ? [] : [one.route])))];
  }
}
