import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Clock, delay, systemClock } from "../../runtime/clock.ts";
import { type ConnectOptions, connect, type NatsConnection } from "../../runtime/nats/connection.ts";
import { type NatsSettings, plainSettings } from "../../runtime/nats/nats-settings.ts";
import { eventRecorder } from "../support/event-recorder.ts";
import { makeOperator } from "../support/nats-identities.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "../support/nats-server.ts";
import { freeze } from "../support/processes.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function open(settings: NatsSettings, options: Partial<ConnectOptions> = {}): Promise<NatsConnection> {
  const nc = await connect({ settings, name: "test/1", emit: () => {}, clock: systemClock, ...options });
  cleanups.push(() => nc.close());
  return nc;
}

/** A settled round trip: what was asked came back. */
async function echoes(nc: NatsConnection): Promise<string> {
  nc.subscribe("echo", { max: 1, callback: (_error, msg) => void msg.respond(msg.data) });
  return (await nc.request("echo", "hello")).string();
}

/** The watchdog looks every few seconds and waits for seconds: here a hundred times faster. */
const hasty: Clock = {
  ...systemClock,
  every: (intervalMs, callback) => systemClock.every(intervalMs / 100, callback),
  after: (delayMs, callback) => systemClock.after(delayMs === 5_000 ? 50 : delayMs, callback),
};

describe("a connection that breaks", () => {
  it("by a restart of the server is told once, comes back by itself, and its subscriptions with it", async () => {
    const server = await startServer();
    const { events, emit, next } = eventRecorder();
    const nc = await open(plainSettings(server.url), { emit });
    nc.subscribe("still.here", { callback: (_error, msg) => void msg.respond("yes") });
    await nc.flush();
    const lost = next("nats.disconnected");
    const back = next("nats.reconnected");
    await server.kill();
    await lost;
    await server.restart();
    expect((await back).afterMs).toBeGreaterThan(0);
    expect((await nc.request("still.here")).string()).toBe("yes");
    expect(events.map(({ type }) => type)).toEqual(["nats.connected", "nats.disconnected", "nats.reconnected"]);
  });

  it("while its credentials are refused keeps trying, tells the refusal once, and comes back when they are good", async () => {
    const good = `authorization { user: app, password: one }`;
    const server = await startServer({ config: good });
    const { events, emit, next } = eventRecorder();
    const nc = await open({ ...plainSettings(server.url), user: "app", password: "one" }, { emit });
    await server.restart(`authorization { user: app, password: two }`);
    const refusal = await next("nats.error", 0);
    expect(refusal.error).toMatchObject({ code: "NATS_REFUSED" });
    // The third refusal in a row: the client would have given up after two.
    await refusals(server.logFile, 3);
    await server.restart(good);
    await next("nats.reconnected", 0);
    expect(await echoes(nc)).toBe("hello");
    expect(events.filter(({ type }) => type === "nats.error")).toHaveLength(1);
    expect(events.filter(({ type }) => type === "nats.disconnected")).toHaveLength(1);
  });

  it("without a word, the server standing still, is noticed by the watchdog and made anew", async () => {
    const server = await startServer();
    const { events, emit, next } = eventRecorder();
    const nc = await open(plainSettings(server.url), { emit, clock: hasty });
    process.kill(server.pid, "SIGSTOP");
    cleanups.push(() => server.kill());
    await next("runtime.notice", 0);
    await next("nats.disconnected", 0);
    process.kill(server.pid, "SIGCONT");
    await next("nats.reconnected", 0);
    expect(await echoes(nc)).toBe("hello");
    expect(events.length).toBeLessThan(8);
  });

  it("without a word, in the middle of much that is sent, moves to the next server", async () => {
    const [server, next] = [await startServer(), await startServer()];
    const { emit, next: event } = eventRecorder();
    const servers = [server.url, next.url];
    const nc = await open({ ...plainSettings(server.url), servers }, { emit, clock: hasty });
    const frozen = nc.getServer() === server.url.replace("nats://", "") ? server : next;
    await freeze(frozen.pid);
    cleanups.push(() => frozen.kill());
    // More than the buffers between the two take: nothing can be written any more.
    for (let sent = 0; sent < 64; sent++) nc.publish("much", new Uint8Array(1024 ** 2));
    expect((await event("nats.reconnected", 0)).server).not.toBe(frozen.url.replace("nats://", ""));
    expect(await echoes(nc)).toBe("hello");
  });

  it("because its credentials expire comes back as soon as the file holds new ones, telling each trouble once", async () => {
    const { config, creds, credsUntil } = makeOperator();
    const server = await startServer({ config });
    const folder = await mkdtemp(join(tmpdir(), "nats-handlers-creds-"));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "app.creds");
    await writeFile(file, credsUntil(systemClock.nowMs() + 2_000));
    const { events, emit, next } = eventRecorder();
    const nc = await open({ ...plainSettings(server.url), creds: file }, { emit });
    expect((await next("nats.error", 0)).error.message).toContain("Expired");
    await next("nats.disconnected", 0);
    await refusals(server.logFile, 3);
    const from = events.length;
    await writeFile(file, creds);
    await next("nats.reconnected", from);
    expect(await echoes(nc)).toBe("hello");
    // Expired and refused, each once. In the second in which they expire the server lets some pass: as often as it is back it was lost.
    expect(events.filter(({ type }) => type === "nats.error")).toHaveLength(2);
    const comings = events.map(({ type }) => type).filter((type) => type !== "nats.error");
    const losses = comings.filter((type) => type === "nats.disconnected").length;
    expect(comings).toEqual([
      "nats.connected",
      ...Array(losses).fill(["nats.disconnected", "nats.reconnected"]).flat(),
    ]);
  });

  it("because its server is to be shut down is told so, and is at another before long", async () => {
    const lameDuck = { config: 'lame_duck_grace_period: "100ms", lame_duck_duration: "30s"' };
    const both = [await startServer(lameDuck), await startServer(lameDuck)];
    const { emit, next } = eventRecorder();
    const nc = await open({ ...plainSettings(both[0]!.url), servers: both.map(({ url }) => url) }, { emit });
    const at = () => both.find(({ url }) => url.endsWith(nc.getServer()))!;
    const leaving = at();
    process.kill(leaving.pid, "SIGUSR2"); // What `nats-server -sl ldm` sends.
    expect((await next("runtime.notice", 0)).message).toContain("lame duck");
    await next("nats.reconnected", 0);
    expect(at()).not.toBe(leaving);
    expect(await echoes(nc)).toBe("hello");
  });

  it("again and again is told in a few lines, and the last one told is true", async () => {
    const server = await startServer();
    const { events, emit, next } = eventRecorder();
    const pending: (() => void)[] = [];
    let skippedMs = 0;
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + skippedMs,
      after(delayMs, callback) {
        if (delayMs < 10_000 || delayMs > 60_000) return systemClock.after(delayMs, callback);
        pending.push(callback);
        return { cancel: () => {} };
      },
    };
    const nc = await open(plainSettings(server.url), { emit, clock });
    const statuses = nc.status()[Symbol.asyncIterator]();
    for (let round = 0; round < 5; round++) {
      await nc.reconnect();
      for (;;) if ((await statuses.next()).value?.type === "reconnect") break;
    }
    await next("runtime.notice", 0);
    const told = events.filter(({ type }) => type === "nats.disconnected" || type === "nats.reconnected");
    expect(told).toHaveLength(6);
    expect(told.at(-1)?.type).toBe("nats.reconnected");
    await server.kill();
    for (;;) if ((await statuses.next()).value?.type === "disconnect") break;
    expect(events.filter(({ type }) => type === "nats.disconnected")).toHaveLength(3);
    // The minute is over: what is true now is told.
    skippedMs = 60_000;
    for (const callback of pending.splice(0)) callback();
    expect(events.at(-1)?.type).toBe("nats.disconnected");
  });

  it("that is closed by us is not reported as lost", async () => {
    const server = await startServer();
    const { events, emit } = eventRecorder();
    const nc = await open(plainSettings(server.url), { emit });
    await nc.close();
    await nc.closed();
    expect(events.map(({ type }) => type)).toEqual(["nats.connected"]);
  });
});

/** Resolves when the server has refused this many logins; reads its log, since nothing else tells. */
async function refusals(logFile: string, count: number): Promise<void> {
  while ((readFileSync(logFile, "utf8").match(/authentication error/g) ?? []).length < count) {
    await delay(systemClock, 10);
  }
}
