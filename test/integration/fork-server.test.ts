// Workers are started by a small process of its own. Nothing about them tells, and nothing is lost when it is.
// @module-tag any-server

import { once } from "node:events";
import { existsSync } from "node:fs";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";
import { CpuShortage } from "../../runtime/isolate/cpu-shortage.ts";
import { ForkServer } from "../../runtime/isolate/fork-server.ts";
import { ProcessStarter } from "../../runtime/isolate/process-starter.ts";
import { type StartedProcess, startProcess } from "../../runtime/isolate/started-process.ts";
import { WorkerProcess } from "../../runtime/isolate/worker-process.ts";
import { NOT_ITS_FAULT } from "../../runtime/message/outcome.ts";
import { eventRecorder } from "../support/event-recorder.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { childrenOf, ended, forkServerProcess, freeze, sessionPriority } from "../support/processes.ts";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const ENV = { PATH: process.env.PATH ?? "" };

describe("a process started by the fork server", () => {
  let server: ForkServer;
  afterEach(() => server.close());

  async function run(script: string, env: Record<string, string> = ENV): Promise<StartedProcess | undefined> {
    server = new ForkServer(ENV, systemClock);
    await vi.waitUntil(() => server.isUp, { timeout: 20_000, interval: 1 });
    return server.start({ args: ["-e", script], env });
  }

  const ECHO = `const socket = new (require("node:net").Socket)({ fd: 3, readable: true, writable: true });
    socket.on("data", (data) => socket.write("back: " + data)); console.log("out"); console.error("err");
    socket.on("end", () => process.exit(7));`;

  it("has its socket, its output and its end with us, as if it was our own", async () => {
    const started = (await run(ECHO))!;
    const read = async (from: StartedProcess["stdout"]) => String((await once(from, "data"))[0]);
    started.socket.write("there");
    expect(await Promise.all([read(started.socket), read(started.stdout), read(started.stderr)])).toEqual([
      "back: there",
      "out\n",
      "err\n",
    ]);
    expect(lookUpProcess(started.pid)?.parentPid).toBe(server.pid);
    started.socket.end();
    expect(await started.ended).toEqual({ code: 7, signal: null, startError: undefined });
  });

  it("loses nothing of what it says at once", async () => {
    const started = (await run(`require("node:fs").writeSync(1, "x".repeat(60_000)); process.exit(0)`))!;
    await started.ended;
    let bytes = 0;
    for await (const chunk of started.stdout) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(60_000);
  });

  it.skipIf(!existsSync("/proc/self/autogroup"))(
    "lets others go first from its beginning, where it is to",
    async () => {
      const asOthers = (await run(ECHO))!;
      if (sessionPriority(asOthers.pid) !== 0) return; // A kernel that knows sessions and does not share cores by them.
      const behind = await server.start({ args: ["-e", ECHO], env: ENV, behindOthers: true });
      expect(sessionPriority(behind!.pid)).toBe(10);
      const ours = startProcess({ args: ["-e", ECHO], env: ENV, behindOthers: true });
      expect(sessionPriority(ours.pid)).toBe(10);
      ours.kill("SIGKILL");
    },
  );

  it("ends with the signal it is sent", async () => {
    const started = (await run(ECHO))!;
    started.kill("SIGKILL");
    expect(await started.ended).toEqual({ code: null, signal: "SIGKILL", startError: undefined });
    started.kill("SIGKILL"); // Nobody is there, and nobody is hit.
  });

  it("ends with the fork server, which is not its fault", async () => {
    const started = (await run(ECHO))!;
    process.kill(server.pid, "SIGKILL");
    expect(await started.ended).toMatchObject({ signal: "SIGKILL", because: NOT_ITS_FAULT });
    await ended(started.pid);
    expect(await server.start({ args: ["-e", ECHO], env: ENV })).toBeUndefined();
  });

  it("that stands still is not asked any more, and is again once it answers (F4)", async () => {
    const clock = fakeClock();
    const late: number[] = [];
    server = new ForkServer(ENV, clock, (ms) => late.push(ms));
    await vi.waitUntil(() => server.isUp, { timeout: 20_000, interval: 1 });
    await freeze(server.pid);
    const start = { args: ["-e", "setInterval(() => {}, 1e6)"], env: ENV };
    const asked = server.start(start);
    expect(clock.pending).toBe(1);
    clock.advance(2_000);
    expect([await asked, await server.start(start), late]).toEqual([undefined, undefined, [2_000]]);
    clock.advance(7_999);
    process.kill(server.pid, "SIGCONT");
    await vi.waitUntil(() => server.isUp, { timeout: 20_000, interval: 1 });
    // What was asked for and came too late is ended; what is asked for now comes.
    const started = await server.start(start);
    const others = await vi.waitUntil(() => childrenOf(server.pid).length === 1 && childrenOf(server.pid), {
      timeout: 20_000,
    });
    expect(others).toEqual([started!.pid]);
  });

  it("that goes on standing still is ended, and the processes it started with it (F4, F2)", async () => {
    const clock = fakeClock();
    server = new ForkServer(ENV, clock);
    await vi.waitUntil(() => server.isUp, { timeout: 20_000, interval: 1 });
    const started = (await server.start({ args: ["-e", ECHO], env: ENV }))!;
    await freeze(server.pid);
    // Its end is asked about too: nobody else would tell of it.
    started.kill("SIGKILL");
    clock.advance(2_000);
    clock.advance(8_000);
    expect(await server.ended).toEqual({ stuckMs: 10_000 });
    expect(await started.ended).toMatchObject({ signal: "SIGKILL", because: NOT_ITS_FAULT });
    expect(clock.pending).toBe(0);
  });

  it("where it cannot be started, that is said, and the next one can", async () => {
    expect(await run(ECHO, { ...ENV, TOO_LONG: "x".repeat(3_000_000) })).toBeUndefined();
    const started = await server.start({ args: ["-e", "process.exit(3)"], env: ENV });
    expect(await started?.ended).toMatchObject({ code: 3 });
  });
});

it("a process that cannot be started from here either says so in its end, and is not thrown", async () => {
  const started = startProcess({ args: [], env: { ...ENV, TOO_LONG: "x".repeat(3_000_000) } });
  expect(started.pid).toBe(-1);
  expect(await started.ended).toMatchObject({ code: null, signal: null, startError: expect.stringContaining("E2BIG") });
  const worker = new WorkerProcess(started, 64, systemClock, new CpuShortage(systemClock));
  await expect(worker.booted).rejects.toMatchObject({
    code: "WORKER_CRASHED",
    message: expect.stringMatching(/E2BIG/),
  });
});

describe("who starts processes", () => {
  it("goes on while a fork server stands still, and has another in its place, unless they keep ending", async () => {
    const clock = fakeClock();
    const told = eventRecorder();
    const tracked = new Set<number>();
    const reaper = {
      pid: undefined,
      track: (pid: number) => void tracked.add(pid),
      untrack: (pid: number) => void tracked.delete(pid),
      close: () => {},
    };
    const starter = new ProcessStarter({ env: ENV, reaper, clock, emit: told.emit });
    onTestFinished(() => starter.close());
    const start = async () => {
      const started = await starter.start({ args: ["-e", "setInterval(() => {}, 1e6)"], env: ENV });
      const parent = lookUpProcess(started.pid)?.parentPid;
      started.kill("SIGKILL");
      if (parent === process.pid) await started.ended;
      return parent;
    };
    const startedByServer = async () => {
      for (;;) {
        const parent = await start();
        if (parent !== process.pid) return parent!;
      }
    };
    starter.startForkServer();
    const first = await startedByServer();
    await freeze(first);
    // What it had said before is heard before the time passes: it would count as an answer.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    const asked = start();
    clock.advance(2_000);
    expect(await asked).toBe(process.pid);
    const message = (event: { message: string }) => event.message;
    expect(message(await told.next("runtime.notice", 0))).toMatch(
      new RegExp(`\\(pid ${first}\\) has not answered for 2000 ms: until it does, the supervisor starts them itself`),
    );
    clock.advance(8_000);
    expect(message(await told.next("runtime.notice", 1))).toMatch(
      new RegExp(`\\(pid ${first}\\) has not answered for 10000 ms and was ended.*until another one is up`),
    );
    const second = await startedByServer();
    expect(second).not.toBe(first);
    process.kill(second, "SIGKILL");
    expect(message(await told.next("runtime.notice", 2))).toMatch(/has ended, .*until another one is up$/);
    const third = await startedByServer();
    process.kill(third, "SIGKILL");
    expect(message(await told.next("runtime.notice", 3))).toMatch(/from now on by the supervisor itself$/);
    expect([await start(), [...tracked]]).toEqual([process.pid, []]);
    await starter.close();
  });
});

describe("a runtime", () => {
  const stage = useStage();

  it("starts its workers from the fork server, and goes on when it is killed", async () => {
    const app = await stage.start({ handlers: { "gated.ts": fixture("waits-at-a-gate.ts") } });
    const handled = await stage.client.collect<{ n: number; attempt: number }>("handled.gated");
    const gate = await stage.client.collect<{ n: number; pid: number }>("gate");
    const forkServer = await forkServerProcess();
    let n = 0;
    const ask = async () => {
      stage.client.publish("gated", ++n);
      const all = await gate.until(n);
      return { pid: all[n - 1]!.pid, respond: () => gate.messages[n - 1]?.respond("null") };
    };
    let asked = await ask();
    // The first ones, warm already, the supervisor has started itself.
    while (lookUpProcess(asked.pid)?.parentPid !== forkServer) {
      asked.respond();
      await handled.until(n);
      await app.after(
        () => app.project.write("gated.ts", `${fixture("waits-at-a-gate.ts")}export const saved = ${n};`),
        "handler.serving",
      );
      asked = await ask();
    }

    const notice = app.next("runtime.notice");
    process.kill(forkServer, "SIGKILL");
    expect((await notice).message).toMatch(
      /process that starts workers \(pid \d+\) has ended.*by the supervisor itself/,
    );
    await ended(asked.pid);
    const again = await gate.until(n + 1);
    expect(again.at(-1)).toMatchObject({ n });
    expect(lookUpProcess(again.at(-1)!.pid)?.parentPid).not.toBe(forkServer);
    gate.messages[n]?.respond("null");
    expect((await handled.until(n)).at(-1)).toMatchObject({ n, attempt: 1 });
    expect(app.told("delivery.failed")).toEqual([]);
  });

  it("what a worker has started and left behind ends with it", async () => {
    const app = await stage.start({ handlers: { "leaver.ts": LEAVES_A_PROCESS } });
    const gone = app.next("worker.exited");
    const left = Number((await stage.client.ask("leaver")).value);
    expect(lookUpProcess(left)?.command).toBe("sleep 1000");
    await gone;
    await ended(left);
  });
});

const LEAVES_A_PROCESS = `import { spawn } from "node:child_process";
export const metadata = { kind: "request", subject: "leaver" };
export default () => {
  const { pid } = spawn("sleep", ["1000"]);
  setTimeout(() => process.exit(1), 200);
  return pid;
};
`;
