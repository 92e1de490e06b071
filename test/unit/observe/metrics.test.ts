import { describe, expect, it } from "vitest";
import { HandlerStats } from "../../../runtime/deliver/handler-stats.ts";
import { createMetrics } from "../../../runtime/observe/metrics.ts";
import type { RuntimeSource } from "../../../runtime/observe/metrics-source.ts";
import { WorkerUsageReader } from "../../../runtime/observe/metrics-workers.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { seriesOf } from "../../support/scrape.ts";
import { CRASH, reading, source } from "./readings.ts";

const scrape = async (from: RuntimeSource) => seriesOf(await createMetrics(from, fakeClock()).render());

describe("/metrics", () => {
  it("reads the counters as they are when scraped", async () => {
    const stats = new HandlerStats();
    const metrics = createMetrics(source([reading("todo/save", { stats })]), fakeClock());
    const returned = 'handlers_deliveries_total{handler="todo/save",outcome="returned"}';
    expect(seriesOf(await metrics.render()).get(returned)).toBe(0);
    for (let at = 0; at < 3; at++) stats.count("returned", 1, 2, 0);
    stats.count("threw", 2, 2, 0);
    const series = seriesOf(await metrics.render());
    expect(series.get(returned)).toBe(3);
    expect(series.get('handlers_deliveries_total{handler="todo/save",outcome="threw"}')).toBe(1);
    expect(series.get('handlers_redeliveries_total{handler="todo/save"}')).toBe(1);
  });

  it("shows durations and waiting times as cumulative histograms in seconds, of deliveries that ran", async () => {
    const stats = new HandlerStats();
    stats.count("returned", 1, 0.2, 0);
    stats.count("returned", 1, 3, 40);
    stats.count("timed-out", 1, 400_000, 0);
    stats.count("queue-full", 1, 0, 0);
    const series = await scrape(source([reading("a", { stats })]));
    const bucket = (le: string) => series.get(`handlers_delivery_duration_seconds_bucket{handler="a",le="${le}"}`);
    expect([bucket("0.0001"), bucket("0.00025"), bucket("0.005"), bucket("300"), bucket("+Inf")]).toEqual([
      0, 1, 2, 2, 3,
    ]);
    expect(series.get('handlers_delivery_duration_seconds_count{handler="a"}')).toBe(3);
    expect(series.get('handlers_delivery_duration_seconds_sum{handler="a"}')).toBeCloseTo(400.0032);
    expect(series.get('handlers_delivery_queue_seconds_sum{handler="a"}')).toBeCloseTo(0.04);
  });

  it("leaves out the histograms of a handler that has not done anything, but none of its counters", async () => {
    const series = await scrape(source([reading("a")]));
    expect([...series.keys()].filter((name) => /_bucket\{handler=/.test(name))).toEqual([]);
    expect(series.get('handlers_deliveries_total{handler="a",outcome="crashed"}')).toBe(0);
    expect(series.get('handlers_worker_restarts_total{handler="a",reason="out-of-memory"}')).toBe(0);
  });

  it("tells what a version that is tried and the one before have handled, and nothing where none is", async () => {
    const canary = { version: "v2", own: { handled: 9, failed: 2 }, before: { handled: 80, failed: 0 } };
    const series = await scrape(source([reading("a", { status: { canary } }), reading("b")]));
    expect([...series].filter(([name]) => name.startsWith("handlers_canary_messages"))).toEqual([
      ['handlers_canary_messages{handler="a",version="v2",outcome="returned"}', 7],
      ['handlers_canary_messages{handler="a",version="v2",outcome="failed"}', 2],
      ['handlers_canary_messages{handler="a",version="v1",outcome="returned"}', 80],
      ['handlers_canary_messages{handler="a",version="v1",outcome="failed"}', 0],
    ]);
  });

  it("tells what each handler is, how it stands and what waits for it", async () => {
    const status = { kind: "durable", state: "idle", inFlight: 2, queued: 3, subject: 'a."b".>' };
    const pending = async () => new Map([["known", 7]]);
    const handlers = [reading("known", { status }), reading("unknown", { status: { kind: "durable" } })];
    const series = await scrape(source(handlers, { pending }));
    expect(series.get('handlers_handler_state{handler="known",state="idle"}')).toBe(1);
    expect(series.get('handlers_deliveries_in_flight{handler="known"}')).toBe(2);
    expect(series.get('handlers_deliveries_queued{handler="known"}')).toBe(3);
    expect(series.get('handlers_pending_messages{handler="known"}')).toBe(7);
    expect(series.has('handlers_pending_messages{handler="unknown"}')).toBe(false);
    expect([...series.keys()]).toContain(
      'handlers_handler_info{handler="known",kind="durable",subject="a.\\"b\\".>",version="v1",file="handlers/known.ts"}',
    );
  });

  it("tells whether a handler is rolled back, of each one", async () => {
    const rollback = { to: "v0", from: ["v1"], by: "ana@host", reason: "", sinceMs: 0 };
    const series = await scrape(source([reading("back", { status: { rollback } }), reading("own")]));
    expect(series.get('handlers_rolled_back{handler="back"}')).toBe(1);
    expect(series.get('handlers_rolled_back{handler="own"}')).toBe(0);
  });

  it("does not wait for what the stream does not tell", async () => {
    const clock = fakeClock();
    const silent = source([reading("a", { status: { kind: "durable" } })], { pending: () => new Promise(() => {}) });
    const rendered = createMetrics(silent, clock).render();
    clock.advance(1_000);
    expect(seriesOf(await rendered).get('handlers_handler_state{handler="a",state="serving"}')).toBe(1);
  });

  it("counts lost workers by why they ended, and cold starts with their time", async () => {
    const stats = new HandlerStats();
    stats.workerLost(CRASH);
    stats.workerLost({ ...CRASH, outOfMemory: true, killedBecause: "it held more memory than it may" });
    stats.workerLost({ ...CRASH, killedBecause: "it went on after the timeout of a message" });
    stats.workerLost({ ...CRASH, killedBecause: "it broke the protocol (frame of 0 bytes)" });
    stats.wokenAfter(12);
    stats.wokenAfter(8);
    const series = await scrape(source([reading("a", { stats })]));
    const lost = (reason: string) => series.get(`handlers_worker_restarts_total{handler="a",reason="${reason}"}`);
    expect([lost("crashed"), lost("out-of-memory"), lost("timed-out")]).toEqual([2, 1, 1]);
    expect(series.get('handlers_cold_starts_total{handler="a"}')).toBe(2);
    expect(series.get('handlers_cold_start_seconds_total{handler="a"}')).toBe(0.02);
  });

  it("tells of NATS, of readiness and of this process", async () => {
    const series = await scrape(source([], { nats: () => ({ kind: "reconnecting", reconnects: 2, sinceMs: 0 }) }));
    expect(series.get("handlers_nats_connected")).toBe(0);
    expect(series.get("handlers_nats_reconnects_total")).toBe(2);
    expect(series.get("handlers_ready")).toBe(0);
    expect(series.get('handlers_runtime_info{app="shop",replica="ab12cd34",version="1.2.3"}')).toBe(1);
    expect(series.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
  });
});

describe("what the workers use", () => {
  it("is summed over a handler's workers, and its CPU time never goes down when one ends", () => {
    const now = new Map([
      [1, { memoryBytes: 10, cpuSeconds: 5 }],
      [2, { memoryBytes: 20, cpuSeconds: 7 }],
    ]);
    const reader = new WorkerUsageReader((pid) => now.get(pid));
    const look = (...pids: number[]) => reader.read([reading("a", { status: { pids } })]).get("a");
    expect(look(1, 2)).toEqual({ memoryBytes: 30, cpuSeconds: 12 });
    now.delete(1);
    now.set(3, { memoryBytes: 1, cpuSeconds: 0.5 });
    expect(look(2, 3)).toEqual({ memoryBytes: 21, cpuSeconds: 12.5 });
    now.clear();
    expect(look()).toEqual({ memoryBytes: 0, cpuSeconds: 12.5 });
  });

  it("is read from the system for a real process", () => {
    const reader = new WorkerUsageReader();
    const usage = reader.read([reading("a", { status: { pids: [process.pid] } })]).get("a");
    if (process.platform !== "linux") return expect(usage?.memoryBytes).toBeUndefined();
    expect(usage?.memoryBytes).toBeGreaterThan(1e6);
    expect(usage?.cpuSeconds).toBeGreaterThan(0);
  });
});
