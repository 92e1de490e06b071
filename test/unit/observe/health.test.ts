import { describe, expect, it } from "vitest";
import { healthOf, RECONNECT_LIMIT_MS, readinessOf } from "../../../runtime/observe/health.ts";
import { watchNats } from "../../../runtime/observe/health-nats.ts";
import type { NatsReading } from "../../../runtime/observe/metrics-source.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { reading, source } from "./readings.ts";

const NONE = { kind: undefined, subject: undefined, version: undefined };
const reconnecting = (): NatsReading => ({ kind: "reconnecting", reconnects: 1, sinceMs: 1_000 });
const closed = (): NatsReading => ({ kind: "closed", reconnects: 1 });

describe("health", () => {
  it("is good while NATS is connected, in every phase", () => {
    for (const phase of ["starting", "running", "draining"] as const) {
      expect(healthOf(source([], { phase }), 0)).toMatchObject({ ok: true, body: { status: "alive", phase } });
    }
  });

  it("stays good while NATS is gone for a while, and ends when only a restart could help", () => {
    const lost = source([], { nats: reconnecting });
    expect(healthOf(lost, 1_000 + RECONNECT_LIMIT_MS).ok).toBe(true);
    expect(healthOf(lost, 1_001 + RECONNECT_LIMIT_MS)).toMatchObject({
      ok: false,
      body: { status: "failing", why: "NATS has been gone for more than 5 minutes", nats: "reconnecting for 300 s" },
    });
    expect(healthOf(source([], { nats: closed }), 0)).toMatchObject({ ok: false });
  });

  it("does not depend on the handlers", () => {
    expect(healthOf(source([reading("a", { status: { ...NONE, state: "failed" } })]), 0).ok).toBe(true);
  });
});

describe("readiness", () => {
  it.each(["serving", "idle", "waking", "restarting", "backing-off", "quarantined"])(
    "counts a handler with a bound version as there when it is %s",
    (state) => {
      expect(readinessOf(source([reading("a", { status: { state } })]), 0).ok).toBe(true);
    },
  );

  it.each(["starting", "backing-off", "failed", "restarting"])(
    "misses a handler that is %s and has no version",
    (state) => {
      const failing = reading("a", { status: { ...NONE, state, lastFailure: { code: "BUNDLE_FAILED" } } });
      expect(readinessOf(source([failing, reading("b")]), 0)).toMatchObject({
        ok: false,
        body: { status: "not ready", handlers: 2, missing: [{ handler: "a", state, error: "BUNDLE_FAILED" }] },
      });
    },
  );

  it("does not wait for what is disabled or set aside, and tells it", () => {
    const off = reading("off", { status: { ...NONE, state: "disabled" } });
    const aside = reading("aside", { status: { ...NONE, state: "quarantined" } });
    expect(readinessOf(source([off, aside]), 0)).toMatchObject({
      ok: true,
      body: { status: "ready", missing: [], quarantined: ["aside"], disabled: ["off"] },
    });
  });

  it("is false before everything is up, while draining, and while NATS is gone", () => {
    expect(readinessOf(source([], { phase: "starting" }), 0).ok).toBe(false);
    expect(readinessOf(source([], { phase: "draining" }), 0).ok).toBe(false);
    expect(readinessOf(source([], { nats: reconnecting }), 3_000)).toMatchObject({
      ok: false,
      body: { nats: "reconnecting for 2 s" },
    });
  });
});

describe("the NATS connection", () => {
  it("is followed through every loss and return, and is closed when the client says so", async () => {
    const clock = fakeClock();
    let isClosed = false;
    let reached = () => {};
    const told = Promise.withResolvers<void>();
    async function* status() {
      yield { type: "disconnect" };
      yield { type: "update" };
      yield { type: "reconnect" };
      yield { type: "reconnect" };
      yield { type: "staleConnection" };
      yield { type: "disconnect" };
      reached();
      await told.promise;
    }
    const lost = new Promise<void>((resolve) => (reached = resolve));
    const read = watchNats({ status, isClosed: () => isClosed }, clock);
    expect(read()).toEqual({ kind: "connected", reconnects: 0 });
    await lost;
    expect(read()).toEqual({ kind: "reconnecting", reconnects: 1, sinceMs: 1_000 });
    isClosed = true;
    told.resolve();
    expect(read()).toEqual({ kind: "closed", reconnects: 1 });
  });
});
