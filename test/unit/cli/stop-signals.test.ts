import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { listenForStop } from "../../../runtime/cli/stop-signals.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function listen() {
  const told: string[] = [];
  const source = new EventEmitter();
  const clock = fakeClock();
  const signals = listenForStop({
    source,
    clock,
    onAsked: () => told.push("asked"),
    endNow: () => told.push("ended"),
  });
  return { told, source, clock, signals };
}

describe("stop signals", () => {
  it("the first asks for an orderly end, the second ends at once", async () => {
    const { told, source, clock, signals } = listen();
    signals.serving();
    source.emit("SIGINT");
    await signals.asked;
    clock.advance(1_000);
    source.emit("SIGINT");
    expect(told).toEqual(["asked", "ended"]);
  });

  it("one that npm passes on right after the terminal's is the same press (I1)", () => {
    const { told, source, clock, signals } = listen();
    signals.serving();
    source.emit("SIGINT");
    clock.advance(50);
    source.emit("SIGINT");
    expect(told).toEqual(["asked"]);
  });

  it("the first ends at once while nothing serves yet (I2)", () => {
    const { told, source } = listen();
    source.emit("SIGTERM");
    expect(told).toEqual(["ended"]);
  });

  it("have their usual effect again once closed", () => {
    const { source, signals } = listen();
    signals.close();
    expect(source.eventNames()).toEqual([]);
  });
});
