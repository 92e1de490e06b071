// Notices when a handler has had nothing to do for as long as its `idle` says.

import type { Clock, Timer } from "../clock.ts";
import type { Generation } from "./generation.ts";

export class IdleWatch {
  private readonly clock: Clock;
  private timer: Timer | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Watch this version from now on; call back once when it has been idle long enough. */
  watch(generation: Generation, onIdle: () => void): void {
    this.stop();
    const { idleMs, minWorkers } = generation.metadata;
    if (idleMs === 0 || minWorkers > 0) return;
    const leftMs = idleMs - generation.route.dispatcher.idleForMs;
    this.timer = this.clock.after(Math.max(leftMs, 1), () => {
      if (generation.route.dispatcher.idleForMs >= idleMs) onIdle();
      else this.watch(generation, onIdle);
    });
  }

  stop(): void {
    this.timer?.cancel();
  }
}
