// What the kernel tells of a machine without a core to spare.
// @module-tag any-server

import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { CpuShortage } from "../../runtime/isolate/cpu-shortage.ts";

let loops: ChildProcess[] = [];
afterEach(() => {
  for (const loop of loops) loop.kill("SIGKILL");
  loops = [];
});

it.skipIf(process.platform !== "linux")(
  "two loops for each core are a crowd for whoever wants to work beside them",
  async () => {
    loops = Array.from({ length: 2 * availableParallelism() }, () => spawn(process.execPath, ["-e", "for (;;);"]));
    const crowding = new CpuShortage(systemClock);
    const work = () => {
      const startedMs = performance.now();
      while (performance.now() - startedMs < 20);
      crowding.look(2);
      return crowding.isCrowded;
    };
    await expect.poll(work, { timeout: 20_000 }).toBe(true);
  },
);
