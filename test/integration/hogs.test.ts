// A worker that keeps a core to itself and finishes nothing gets out of the way of the others, long before its timeout.

import { existsSync, readdirSync, readFileSync } from "node:fs";
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

/** Of its session, where the kernel shares cores between those (sched(7)). */
function sessionPriority(pid: number): number {
  const path = `/proc/${pid}/autogroup`;
  const [, nice] = (existsSync(path) && /nice (-?\d+)/.exec(readFileSync(path, "utf8"))) || [];
  return Number(nice);
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
  const sharesBySession = sessionPriority(looping!) === 0;

  await stage.client.publish("culprit", { n: 1, bad: true });
  await expect.poll(() => priorities(looping!)[0], { timeout: 20_000 }).toBe(Math.min(ours + 10, 19));
  if (sharesBySession) await expect.poll(() => sessionPriority(looping!), { timeout: 20_000 }).toBe(10);
  expect((await stage.client.ask("echo", 2)).code).toBe(0);
  expect(priorities(app.status("echo").pids[0]!)[0]).toBe(ours);
  await app.close(0);
});
