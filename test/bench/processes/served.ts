// Waits for what the runtime under test tells about versions that go live.

import type { Child } from "../rpc.ts";
import type { OursCommands, Served } from "./ours.ts";

const LIMIT_MS = 20_000;

export class ServedWaiter {
  private readonly told: Served[] = [];
  private changed = Promise.withResolvers<void>();

  constructor(runtime: Child<OursCommands>) {
    runtime.onTold = (told) => {
      this.told.push(told as Served);
      this.changed.resolve();
      this.changed = Promise.withResolvers();
    };
  }

  /** Do something, and wait for what follows from it. Rejects when nothing does within 20 s. */
  async after(act: () => unknown, handler: string, why: Served["why"]): Promise<Served> {
    this.told.length = 0;
    await act();
    return this.next(handler, why);
  }

  private async next(handler: string, why: Served["why"]): Promise<Served> {
    const expired = Promise.withResolvers<never>();
    const text = `no "${why}" of ${handler} within ${LIMIT_MS} ms`;
    const timer = setTimeout(() => expired.reject(new Error(text)), LIMIT_MS);
    try {
      for (;;) {
        const found = this.told.find((served) => served.handler === handler && served.why === why);
        if (found !== undefined) return found;
        await Promise.race([this.changed.promise, expired.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
