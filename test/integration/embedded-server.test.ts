import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock, delay } from "../../runtime/clock.ts";
import { type EmbeddedServerOptions, startEmbeddedServer } from "../../runtime/dev-server/embedded-server.ts";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";
import { claimRuntimeFile, readRuntimeFile } from "../../runtime/dev-server/runtime-file.ts";
import type { RuntimeEvent } from "../../runtime/events.ts";

const RUNTIME = fileURLToPath(new URL("../../runtime/", import.meta.url));

let folder: string;
let stateDir: string;
const tracked = new Set<number>();
const reaper = { track: (pid: number) => void tracked.add(pid), untrack: (pid: number) => void tracked.delete(pid) };
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nats-handlers-embedded-"));
  stateDir = join(folder, ".handlers");
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await rm(folder, { recursive: true, force: true });
  expect([...tracked]).toEqual([]);
});

async function start(options: Partial<EmbeddedServerOptions> = {}) {
  const server = await startEmbeddedServer({ stateDir, port: 0, reaper, clock, ...options });
  cleanups.push(() => server.close());
  return server;
}

async function ended(pid: number): Promise<void> {
  while ((lookUpProcess(pid)?.command ?? "") !== "") await delay(clock, 5);
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "resolved",
    (error: unknown) => error,
  );
}

/** Another supervisor on the same folder; says its server's id in one line. */
async function startOtherSupervisor(): Promise<{ child: ChildProcess; server: { pid: number; port: number } }> {
  const script = `
    const { startEmbeddedServer } = await import(${JSON.stringify(`${RUNTIME}dev-server/embedded-server.ts`)});
    const { systemClock } = await import(${JSON.stringify(`${RUNTIME}clock.ts`)});
    const reaper = { track() {}, untrack() {} };
    const { pid, port } = await startEmbeddedServer({ stateDir: ${JSON.stringify(stateDir)}, port: 0, reaper, clock: systemClock });
    console.log(JSON.stringify({ pid, port }));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => child.kill("SIGKILL"));
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  return { child, server: JSON.parse(line) as { pid: number; port: number } };
}

describe("a running server", () => {
  it("listens on this machine only, has JetStream, and keeps its data over a restart", async () => {
    const first = await start();
    const nc = await connect({ servers: first.url });
    await (await jetstreamManager(nc)).streams.add({ name: "TODO", subjects: ["todo.>"] });
    await jetstream(nc).publish("todo.newitem", "milk");
    expect(nc.info?.jetstream).toBe(true);
    expect(nc.info?.version).toBe(first.version);
    expect(nc.info?.host).toBe("127.0.0.1");
    await nc.close();
    await first.close();

    const second = await start();
    const again = await connect({ servers: second.url });
    expect((await (await jetstreamManager(again)).streams.info("TODO")).state.messages).toBe(1);
    await again.close();
    expect(await readFile(join(stateDir, "nats", "server.log"), "utf8")).toContain("Server is ready");
  });

  it("is found by other processes while it runs, and not after", async () => {
    expect(readRuntimeFile(stateDir)).toBeUndefined();
    const server = await start();
    expect(readRuntimeFile(stateDir)).toEqual({ url: server.url, pid: server.pid, supervisorPid: process.pid });
    expect(tracked).toContain(server.pid);
    await server.close();
    await server.close();
    expect(readRuntimeFile(stateDir)).toBeUndefined();
    expect((await readdir(stateDir)).filter((name) => name.startsWith("runtime"))).toEqual([]);
    expect(lookUpProcess(server.pid)).toBeUndefined();
  });

  it("takes the wished port when it is free, and another when it is not", async () => {
    const other = createTcpServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const lines: string[] = [];
    const elsewhere = await start({ port, onProgress: (line) => lines.push(line) });
    expect(elsewhere.port).not.toBe(port);
    expect(lines).toEqual([`port ${port} is taken by another program, so our nats-server is at ${elsewhere.url}`]);
    await elsewhere.close();
    await new Promise((resolve) => other.close(resolve));
    expect((await start({ port })).port).toBe(port);
  });

  it("says when the wished port belongs to another nats-server, which a client without a URL would talk to", async () => {
    const other = await start();
    const lines: string[] = [];
    const mine = await start({
      stateDir: join(folder, "second"),
      port: other.port,
      onProgress: (line) => lines.push(line),
    });
    expect(lines).toEqual([
      `port ${other.port} is taken by another nats-server (${other.version}), to which a client without a URL talks; ours is at ${mine.url}`,
    ]);
  });

  it("does not hear the terminal's Ctrl-C: it leads a session of its own", async () => {
    const { pid } = await start();
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    expect([group, session]).toEqual([String(pid), String(pid)]);
  });

  it("that ends by itself is reported with its last log lines", async () => {
    const events: RuntimeEvent[] = [];
    const server = await start({ emit: (event) => events.push(event) });
    process.kill(server.pid, "SIGKILL");
    expect(await server.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(events).toMatchObject([{ type: "nats.error", error: { code: "NATS_SERVER_FAILED" } }]);
    const [event] = events;
    expect(event?.type === "nats.error" && event.error.message).toContain("SIGKILL");
    expect(event?.type === "nats.error" && event.error.frame).toContain("Server is ready");
    expect(readRuntimeFile(stateDir)).toBeUndefined();
  });

  it("that cannot start is reported with its log, and leaves nothing behind", async () => {
    await writeFile(join(folder, "file"), "");
    const error = await rejection(start({ storeDir: join(folder, "file") }));
    expect(error).toMatchObject({ code: "NATS_SERVER_FAILED" });
    expect((error as { frame: string }).frame).toMatch(/jetstream|storage|directory/i);
    expect(await readdir(stateDir)).toEqual(["nats"]);
  });
});

describe("a second supervisor in the same folder", () => {
  it("is refused, with the process that runs there", async () => {
    const { child, server } = await startOtherSupervisor();
    expect(readRuntimeFile(stateDir)).toMatchObject({ pid: server.pid, supervisorPid: child.pid });
    const error = await rejection(start());
    expect(error).toMatchObject({ code: "USAGE" });
    expect((error as Error).message).toContain(`process ${child.pid}`);
    child.kill("SIGKILL");
    process.kill(server.pid, "SIGKILL");
    await ended(server.pid);
  });

  it("ends the server that a killed one left, and takes over its data", async () => {
    const { child, server } = await startOtherSupervisor();
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(readRuntimeFile(stateDir)).toBeUndefined();
    const mine = await start();
    expect(lookUpProcess(server.pid)?.command ?? "").toBe("");
    expect(readRuntimeFile(stateDir)?.pid).toBe(mine.pid);
  });

  it("is not held up by the file of a server whose process id a stranger has now", async () => {
    const stranger = spawn(process.execPath, ["-e", "process.send('up'); setInterval(() => {}, 1000)"], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    cleanups.push(() => stranger.kill("SIGKILL"));
    await once(stranger, "message");
    await mkdir(stateDir);
    const stale = { url: "nats://127.0.0.1:1", pid: stranger.pid, supervisorPid: process.pid, writtenAtMs: 1 };
    await writeFile(join(stateDir, "runtime.json"), JSON.stringify(stale));
    expect(readRuntimeFile(stateDir)).toBeUndefined();
    const server = await start();
    expect(readRuntimeFile(stateDir)?.pid).toBe(server.pid);
    expect(stranger.exitCode).toBeNull();
  });

  it("is not held up by a file cut short", async () => {
    await mkdir(stateDir);
    await writeFile(join(stateDir, "runtime.json"), '{"url":"nats://');
    expect(readRuntimeFile(stateDir)).toBeUndefined();
    await start();
  });

  it("is refused while another one is starting its server", async () => {
    const claim = await claimRuntimeFile(stateDir, clock);
    const file = join(stateDir, "runtime.json");
    const starting = { ...(JSON.parse(await readFile(file, "utf8")) as object), supervisorPid: process.ppid };
    claim.release();
    await writeFile(file, JSON.stringify(starting));
    expect(await rejection(start())).toMatchObject({ code: "USAGE" });
  });
});
