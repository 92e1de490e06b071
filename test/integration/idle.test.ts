// How many processes a handler has: none while it is idle, one from its first message on, several where it asks for them.
// @module-tag any-server

import { expect, it } from "vitest";
import { delay, systemClock } from "../../runtime/clock.ts";
import { ended } from "../support/processes.ts";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const answering = (subject: string, options: string) =>
  `export const metadata = { subject: "${subject}", kind: "request", ${options} };\nexport default () => process.pid;\n`;

it("an idle handler gives up its process, its first message wakes it, and `minWorkers` keeps one", async () => {
  const app = await stage.start({
    handlers: {
      "sleeper.ts": answering("sleeper", 'idle: "1s"'),
      "keeper.ts": answering("keeper", 'idle: "1s", minWorkers: 1'),
    },
  });
  const first = (await stage.client.ask("sleeper")).value as number;
  const kept = (await stage.client.ask("keeper")).value;
  await app.next("handler.state", { handler: "sleeper", to: "idle" });
  await ended(first);
  expect(app.status("sleeper")).toMatchObject({ state: "idle", pids: [] });
  const woken = app.next("handler.serving", { handler: "sleeper", why: "wake" });
  const second = (await stage.client.ask("sleeper")).value as number;
  await woken;
  expect(second).not.toBe(first);
  expect(app.status("sleeper")).toMatchObject({ state: "serving", pids: [second], restarts: 0, failed: 0 });
  await app.next("handler.state", { handler: "sleeper", to: "idle" });
  expect(app.status("keeper")).toMatchObject({ state: "serving", pids: [kept] });
  expect(app.told("worker.exited")).toEqual([]);
});

it("`workers: 2` runs the handler in two processes, and one that dies is replaced", async () => {
  const handler = fixture("tries-at-a-gate.ts", { 'timeout: "20s"': 'concurrency: 1, workers: 2, timeout: "20s"' });
  const app = await stage.start({ handlers: { "twice.ts": handler } });
  const gate = await stage.client.collect<{ pid: number }>("gate");
  for (let round = 0; round < 2; round++) {
    const answers = [1, 2].map(() => stage.client.ask("looping", { bad: false }));
    const pids = (await gate.until(round * 2 + 2)).slice(-2).map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(2);
    expect([...app.status("twice").pids].sort()).toEqual([...pids].sort());
    for (const message of gate.messages.slice(-2)) message.respond("null");
    expect((await Promise.all(answers)).map(({ code }) => code)).toEqual([0, 0]);
    if (round === 1) break;
    const exited = app.next("worker.exited");
    expect((await stage.client.ask("looping", { bad: true })).code).toBe(500);
    await exited;
    // Nothing tells that the crew is complete again: the handler has served all the while.
    while (app.status("twice").pids.length < 2) await delay(systemClock, 5);
  }
});
