// The end: what is in hand is finished, what cannot be is reported, and nothing of ours is left.
// @module-tag any-server

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { connectClient } from "../support/client.ts";
import { childProcesses, ended } from "../support/processes.ts";
import { createProject, fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
/** For the runner: less than the grace that there is by default, which nothing here is to wait for. */
const WITHIN_GRACE_MS = 20_000;
const SUPERVISOR = fileURLToPath(new URL("../fixtures/supervisor.ts", import.meta.url));

it("close finishes what is in hand and what waits, then runs the teardown", async () => {
  const app = await stage.start({ handlers: { "farewell.ts": fixture("says-goodbye.ts") } });
  const gate = await stage.client.collect<number>("gate");
  const answers = [1, 2, 3].map((n) => stage.client.ask("farewell", n));
  await gate.until(1);
  await stage.client.flush();
  const closing = app.close(20_000);
  for (let at = 0; at < 3; at++) {
    await gate.until(at + 1);
    gate.messages[at]?.respond("null");
  }
  expect((await Promise.all(answers)).map(({ value }) => value)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(await closing).toEqual([]);
  const kinds = app.events.map((event) => (event.type === "handler.log" ? event.message : event.type));
  expect(kinds.filter((kind) => ["handler.unbound", "goodbye", "runtime.stopped"].includes(kind))).toEqual([
    "handler.unbound",
    "goodbye",
    "runtime.stopped",
  ]);
});

it("a second close joins the first, and a closed runtime answers nobody", async () => {
  const app = await stage.start({ handlers: { "echo.ts": fixture("echoes.ts") } });
  const [first, second] = await Promise.all([app.close(), app.close()]);
  expect([first, second]).toEqual([[], []]);
  await expect(stage.client.ask("echo", 1)).rejects.toThrow(/no responders/i);
  expect(app.told("runtime.stopped").length).toBe(1);
});

it(
  "a handler that ignores the end is reported and killed when the grace is over; what waits is given back",
  async () => {
    const handlers = { "endless.ts": fixture("ignores-the-end.ts"), "echo.ts": fixture("echoes.ts") };
    const app = await stage.start({ handlers });
    const begun = await stage.client.collect<number>("begun");
    for (let n = 1; n <= 3; n++) stage.client.publish("endless", n);
    expect(await begun.until(1)).toEqual([1]);
    const [pid = 0] = app.status("endless").pids;
    const left = await app.close(300);
    expect(left[0]).toBe("endless: endless");
    await ended(pid);
    expect(begun.values).toEqual([1]);
    expect(app.told("runtime.stopped")[0]?.unfinished).toEqual(left);
  },
  WITHIN_GRACE_MS,
);

it(
  "a version that was replaced while it had a message in hand does not outlive the grace either",
  async () => {
    const app = await stage.start({ handlers: { "endless.ts": fixture("ignores-the-end.ts").replace("1,", "2,") } });
    const begun = await stage.client.collect<number>("begun");
    stage.client.publish("endless", 1);
    await begun.until(1);
    const save = () => app.project.write("endless.ts", fixture("echoes.ts").replace('"echo"', '"endless"'));
    await app.after(save, "handler.serving", { handler: "endless" });
    expect(await app.close(300)).toEqual(["endless: endless"]);
  },
  WITHIN_GRACE_MS,
);

it("a removed handler finishes what it has in hand, also when the runtime closes meanwhile", async () => {
  const app = await stage.start({ handlers: { "farewell.ts": fixture("says-goodbye.ts") } });
  const gate = await stage.client.collect<number>("gate");
  const answer = stage.client.ask("farewell", 1);
  await gate.until(1);
  await app.after(() => app.project.remove("farewell.ts"), "handler.unbound", { handler: "farewell" });
  const closing = app.close(20_000);
  gate.messages[0]?.respond("null");
  expect((await answer).value).toEqual({ n: 1 });
  expect(await closing).toEqual([]);
});

it("a handler removed and restored while its last message was in hand can still be started again", async () => {
  const text = fixture("says-goodbye.ts");
  const app = await stage.start({ handlers: { "farewell.ts": text } });
  const gate = await stage.client.collect<number>("gate");
  const answer = stage.client.ask("farewell", 1);
  await gate.until(1);
  await app.after(() => app.project.remove("farewell.ts"), "handler.unbound", { handler: "farewell" });
  const restore = () => app.project.write("farewell.ts", text);
  await app.after(restore, "handler.serving", { handler: "farewell" });
  const gone = app.next("handler.removed", { handler: "farewell" });
  gate.messages[0]?.respond("null");
  expect((await answer).value).toEqual({ n: 1 });
  await gone;
  const [pid = 0] = app.status("farewell").pids;
  await app.after(() => process.kill(pid, "SIGKILL"), "handler.serving", { handler: "farewell", why: "restart" });
});

it("a teardown that fails is told with its line, and ends the worker all the same", async () => {
  const app = await stage.start({ handlers: { "farewell.ts": fixture("fails-in-teardown.ts") } });
  const [pid = 0] = app.status("farewell").pids;
  expect(await app.close(5_000)).toEqual([]);
  await ended(pid);
  const [failed] = app.told("handler.failed");
  expect(failed?.error.message).toContain("the door is stuck");
});

it("when the supervisor is killed with -9, no worker and no nats-server is left", async () => {
  const before = childProcesses();
  const project = createProject({ "echo.ts": fixture("echoes.ts"), "loop.ts": fixture("loops-forever.ts") });
  const child = spawn(process.execPath, [SUPERVISOR, project.rootDir], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
    project.end();
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { url, pids } = JSON.parse(line) as { url: string; pids: number[] };
  expect(pids.length).toBe(2);
  const client = await connectClient(url, false);
  expect((await client.ask("echo", 1)).value).toBe(1);
  client.publish("culprit", { n: 1, bad: true });
  await client.flush();
  child.kill("SIGKILL");
  for (const pid of pids) await ended(pid);
  // The nats-server is gone when its connection is.
  await client.connection.closed();
  for (const pid of childProcesses()) expect(before.has(pid)).toBe(true);
});
