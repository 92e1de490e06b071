// Who gets out of the way of the others: a worker that keeps a core to itself and finishes nothing, long before its timeout;
// and one whose predecessor has died, until it has finished something.
// @module-tag any-server

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { getPriority } from "node:os";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { UsageWatch } from "../../runtime/isolate/usage-watch.ts";
import { sessionPriority } from "../support/processes.ts";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
let loop: ChildProcess | undefined;
afterEach(() => void loop?.kill("SIGKILL"));

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
  const sharesBySession = sessionPriority(looping!) === 0;

  await stage.client.publish("culprit", { n: 1, bad: true });
  await expect.poll(() => priorities(looping!)[0], { timeout: 20_000 }).toBe(Math.min(ours + 10, 19));
  if (sharesBySession) await expect.poll(() => sessionPriority(looping!), { timeout: 20_000 }).toBe(10);
  expect((await stage.client.ask("echo", 2)).code).toBe(0);
  expect(priorities(app.status("echo").pids[0]!)[0]).toBe(ours);
  await app.close(0);
});

it.skipIf(!existsSync("/proc/self/autogroup"))(
  "the worker that replaces one that died lets others go first until it has finished a message",
  async () => {
    const app = await stage.start({ handlers: { "culprit.ts": fixture("exits-the-process.ts") } });
    const [first] = app.status("culprit").pids;
    if (sessionPriority(first!) !== 0) return; // A kernel that knows sessions and does not share cores between them.
    const from = app.mark();
    stage.client.publish("culprit", { n: 1, bad: true });
    await app.next("handler.serving", { handler: "culprit", why: "restart" }, from);
    const [second] = app.status("culprit").pids;
    expect(second).not.toBe(first);
    expect(sessionPriority(second!)).toBe(10);
    const handled = await stage.client.collect("handled.culprit");
    stage.client.publish("culprit", { n: 2 });
    await handled.until(1);
    await expect.poll(() => sessionPriority(second!), { timeout: 30_000 }).toBe(0);
  },
);

it.skipIf(!existsSync("/proc/self/autogroup"))("a hog goes on yielding when its probation ends", async () => {
  loop = spawn(process.execPath, ["-e", "for (;;);"], { detached: true, stdio: "ignore" });
  const pid = loop.pid!;
  if (sessionPriority(pid) !== 0) return;
  const watch = new UsageWatch(pid, 64, systemClock);
  watch.putOnProbation();
  const priority = () => {
    watch.checkHog(0);
    return priorities(pid)[0];
  };
  await expect.poll(priority, { timeout: 20_000 }).toBe(Math.min(getPriority() + 10, 19));
  watch.checkHog(1);
  expect(sessionPriority(pid)).toBe(10);
});
