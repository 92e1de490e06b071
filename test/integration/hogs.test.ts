// A worker that keeps a core to itself and finishes nothing gets out of the way of the others, long before its timeout.

import { readdirSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, it } from "vitest";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

/** Of each thread, the most favoured first. */
function priorities(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return threads.map((thread) => getPriority(thread)).sort((a, b) => a - b);
}

it.skipIf(process.platform !== "linux")("a loop yields to its neighbours, with all its threads", async () => {
  const app = await stage.start({
    handlers: {
      "culprit.ts": fixture("loops-forever.ts", { '"250ms"': '"1m"' }),
      "echo.ts": fixture("echoes.ts"),
    },
  });
  await stage.client.ask("echo", 1);
  const ours = getPriority();
  const [looping] = app.status("culprit").pids;
  expect(priorities(looping!)[0]).toBe(ours);

  await stage.client.publish("culprit", { n: 1, bad: true });
  await expect.poll(() => priorities(looping!)[0], { timeout: 20_000 }).toBe(ours + 10);
  expect((await stage.client.ask("echo", 2)).code).toBe(0);
  expect(priorities(app.status("echo").pids[0]!)[0]).toBe(ours);
  await app.close(0);
});
