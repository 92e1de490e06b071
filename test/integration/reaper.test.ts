// @module-tag any-server

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { delay, systemClock } from "../../runtime/clock.ts";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";
import { findServerBinary } from "../../runtime/dev-server/server-binary.ts";
import type { RuntimeEvent } from "../../runtime/events.ts";
import { startReaper } from "../../runtime/isolate/reaper.ts";

const REAPER = fileURLToPath(new URL("../../runtime/isolate/reaper.ts", import.meta.url));
const BUSY = "process.send?.('busy'); for (;;);";
const DEAF = "process.on('SIGTERM', () => {}); process.send('deaf'); setInterval(() => {}, 1000);";

const started: ChildProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Resolves when the process has ended; the runner's timeout is the limit. */
async function ended(pid: number): Promise<void> {
  while ((lookUpProcess(pid)?.command ?? "") !== "") await delay(systemClock, 5);
}

/** A process that starts children as the supervisor does, and says their ids in one line of JSON. */
async function startSupervisor(body: string): Promise<{ child: ChildProcess; pids: Record<string, number> }> {
  const script = `
    import { spawn, fork } from "node:child_process";
    import { once } from "node:events";
    const { startReaper } = await import(${JSON.stringify(REAPER)});
    const reaper = startReaper({ emit: (event) => console.error(event) });
    const node = (code) => spawn(process.execPath, ["-e", code], { detached: true, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    ${body}
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(child);
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  return { child, pids: JSON.parse(line) as Record<string, number> };
}

it("when the supervisor is killed with -9, its busy worker, its deaf one and its nats-server end", async () => {
  const binary = await findServerBinary({ clock: systemClock, onProgress: () => {} });
  const folder = await mkdtemp(join(tmpdir(), "nats-handlers-reaper-"));
  folders.push(folder);
  const { child, pids } = await startSupervisor(`
    const server = spawn(${JSON.stringify(binary.path)}, ["-a", "127.0.0.1", "-p", "-1", "-js", "-sd", ${JSON.stringify(folder)}], { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    reaper.track(server.pid, "term");
    for await (const text of server.stderr.setEncoding("utf8")) if (text.includes("Server is ready")) break;
    const busy = node(${JSON.stringify(BUSY)});
    reaper.track(busy.pid, "kill");
    await once(busy, "message");
    const deaf = node(${JSON.stringify(DEAF)});
    reaper.track(deaf.pid, "term");
    await once(deaf, "message");
    console.log(JSON.stringify({ server: server.pid, busy: busy.pid, deaf: deaf.pid }));`);
  for (const pid of Object.values(pids)) expect(lookUpProcess(pid)?.command).not.toBe("");
  child.kill("SIGKILL");
  for (const pid of Object.values(pids)) await ended(pid);
});

it("what a tracked process has started itself ends with it", async () => {
  const { child, pids } = await startSupervisor(`
    const parent = node(\`const { pid } = require("node:child_process").spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" }); process.send(pid); for (;;);\`);
    reaper.track(parent.pid, "kill");
    const [grandchild] = await once(parent, "message");
    console.log(JSON.stringify({ parent: parent.pid, grandchild }));`);
  child.kill("SIGKILL");
  for (const pid of Object.values(pids)) await ended(pid);
});

it("a process that was untracked is left alone", async () => {
  const { child, pids } = await startSupervisor(`
    const spared = node(${JSON.stringify(BUSY)}), doomed = node(${JSON.stringify(BUSY)});
    for (const { pid } of [spared, doomed]) reaper.track(pid, "kill");
    reaper.untrack(spared.pid);
    for (const act of ["track", "untrack"]) reaper[act](-1, "kill"); // of a process that could not be started
    await Promise.all([once(spared, "message"), once(doomed, "message")]);
    console.log(JSON.stringify({ spared: spared.pid, doomed: doomed.pid }));`);
  child.kill("SIGKILL");
  await ended(pids.doomed!);
  expect(lookUpProcess(pids.spared!)?.command).toContain("for (;;);");
  process.kill(pids.spared!, "SIGKILL");
});

it.runIf(process.platform === "linux")(
  "closing ends what is still tracked, and Ctrl-C or TERM to the reaper does not",
  async () => {
    const busy = spawn(process.execPath, ["-e", BUSY], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    started.push(busy);
    await once(busy, "message");
    const reaper = startReaper({ emit: () => {} });
    reaper.track(busy.pid!, "kill");
    await ignoresSignals(reaper.pid!);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(reaper.pid!, signal);
    reaper.close();
    reaper.close();
    const [, signal] = (await once(busy, "exit")) as [number | null, string | null];
    expect(signal).toBe("SIGKILL");
    await ended(reaper.pid!);
  },
);

it.runIf(process.platform === "linux")(
  "tracking and untracking ten thousand processes does not make the reaper grow",
  async () => {
    const reaper = startReaper({ emit: () => {} });
    const busy = spawn(process.execPath, ["-e", BUSY], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    started.push(busy);
    // Ids above any that a system gives out.
    const pids = Array.from({ length: 10_000 }, (_, index) => 2 ** 30 + index);
    for (const pid of pids) {
      reaper.track(pid, pid % 2 === 0 ? "kill" : "term");
      if (pid % 50 !== 0) reaper.untrack(pid);
    }
    for (const pid of pids) reaper.untrack(pid);
    reaper.track(busy.pid!, "kill");
    const told = pids.length * 28; // at least: two lines of fourteen characters each
    while ((await figure(`/proc/${reaper.pid}/io`, /rchar: (\d+)/)) < told) await delay(systemClock, 5);
    expect(await figure(`/proc/${reaper.pid}/status`, /VmRSS:\s+(\d+) kB/)).toBeLessThan(4_096);
    reaper.close();
    await once(busy, "exit");
  },
);

it("without a shell there is one notice, and tracking does nothing", async () => {
  const events: RuntimeEvent[] = [];
  const told = new Promise<void>((resolve) => {
    const reaper = startReaper({
      shell: "/nonexistent/sh",
      emit: (event) => {
        events.push(event);
        reaper.track(process.pid, "kill");
        reaper.untrack(process.pid);
        reaper.close();
        resolve();
      },
    });
    reaper.track(2 ** 30, "kill");
  });
  await told;
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ type: "runtime.notice", level: "warn" });
});

async function figure(file: string, pattern: RegExp): Promise<number> {
  return Number(pattern.exec(await readFile(file, "utf8"))?.[1]);
}

/** A shell that has just been started has not read its `trap` yet (proc(5), SigIgn: a mask in hexadecimal, bit 14 is TERM). */
async function ignoresSignals(pid: number): Promise<void> {
  const TERM_BIT = 1 << 14;
  for (;;) {
    const [, mask = "0"] = /SigIgn:\s+([0-9a-f]+)/.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
    if (Number.parseInt(mask.slice(-8), 16) & TERM_BIT) return;
    await delay(systemClock, 5);
  }
}
