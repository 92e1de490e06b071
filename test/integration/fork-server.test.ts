// Workers are started by a small process of its own. Nothing about them tells, and nothing is lost when it is.

import { once } from "node:events";
import { existsSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { inspectProcess } from "../../runtime/bind/process-info.ts";
import { systemClock } from "../../runtime/clock.ts";
import { NOT_ITS_FAULT } from "../../runtime/deliver/outcome.ts";
import { Crowding } from "../../runtime/isolate/crowding.ts";
import { ForkServer } from "../../runtime/isolate/fork-server.ts";
import { type StartedProcess, startProcess } from "../../runtime/isolate/started-process.ts";
import { WorkerProcess } from "../../runtime/isolate/worker-process.ts";
import { ended, forkServerProcess, sessionPriority } from "../support/processes.ts";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const ENV = { PATH: process.env.PATH ?? "" };

describe("a process started by the fork server", () => {
  let server: ForkServer;
  afterEach(() => server.close());

  async function run(script: string, env: Record<string, string> = ENV): Promise<StartedProcess | undefined> {
    server = new ForkServer(ENV);
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
    expect(inspectProcess(started.pid)?.parentPid).toBe(server.pid);
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
  const worker = new WorkerProcess(started, 64, systemClock, new Crowding(systemClock));
  await expect(worker.booted).rejects.toMatchObject({
    code: "WORKER_CRASHED",
    message: expect.stringMatching(/E2BIG/),
  });
});

describe("a runtime", () => {
  const stage = useStage();

  it("starts its workers from the fork server, and does without it when it is killed", async () => {
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
    while (inspectProcess(asked.pid)?.parentPid !== forkServer) {
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
    expect((await notice).message).toMatch(/process that starts workers has ended.*by the supervisor itself/);
    await ended(asked.pid);
    const again = await gate.until(n + 1);
    expect(again.at(-1)).toMatchObject({ n });
    expect(inspectProcess(again.at(-1)!.pid)?.parentPid).toBe(process.pid);
    gate.messages[n]?.respond("null");
    expect((await handled.until(n)).at(-1)).toMatchObject({ n, attempt: 1 });
    expect(app.told("delivery.failed")).toEqual([]);
  });

  it("what a worker has started and left behind ends with it", async () => {
    const app = await stage.start({ handlers: { "leaver.ts": LEAVES_A_PROCESS } });
    const gone = app.next("worker.exited");
    const left = Number((await stage.client.ask("leaver")).value);
    expect(inspectProcess(left)?.command).toBe("sleep 1000");
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
