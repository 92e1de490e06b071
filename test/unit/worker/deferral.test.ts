// `ctx.defer` in the worker: what settles a message, and who came late.

import { describe, expect, it } from "vitest";
import { type Deferral, deferral } from "../../../runtime/worker/deferral.ts";
import { type DeferredContext, DeferredRuns } from "../../../runtime/worker/deferred-runs.ts";
import { GiveUp, RetryLater } from "../../../sdk/verdicts.ts";

const CAN = { handler: "h", cannotDefer: undefined, before: undefined };
const opened: Deferral[] = [];
function deferred(): Deferral {
  const one = deferral({ lease: "5m" }, CAN);
  opened.push(one);
  return one;
}

function runs(context: Partial<DeferredContext> = {}) {
  const told: string[] = [];
  const all = new DeferredRuns({
    deferred: (id, leaseMs) => told.push(`${id} deferred ${leaseMs}`),
    settled: (id, { kind }) => told.push(`${id} ${kind}`),
  });
  const quiet = { hasUnconfirmed: false, allConfirmed: async () => undefined, abort: () => undefined };
  return { told, all, add: (id: number, one: Deferral) => all.add(id, { ...quiet, ...context }, one) };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a message that is deferred", () => {
  it("E1: is settled by the first call, and the later ones are told so", async () => {
    const { told, add } = runs();
    const one = deferred();
    add(7, one);
    expect([one.handle.done(), one.handle.done(), one.handle.fail(new Error("late"))]).toEqual([true, false, false]);
    await turn();
    expect(told).toEqual(["7 deferred 300000", "7 returned"]);
  });

  it("fails as if its function had thrown", async () => {
    const { told, add } = runs();
    for (const [id, error] of [new Error("down"), new RetryLater("1s"), new GiveUp("no")].entries()) {
      const one = deferred();
      add(id, one);
      expect(one.handle.fail(error)).toBe(true);
    }
    await turn();
    expect(told.filter((line) => !line.includes("deferred"))).toEqual(["0 threw", "1 retry-later", "2 gave-up"]);
  });

  it("E2: settled before its function has returned, ends with it", () => {
    const { told, add } = runs();
    const one = deferred();
    expect([one.handle.fail(new GiveUp("no")), one.handle.done()]).toEqual([true, false]);
    add(1, one);
    expect(told).toEqual(["1 gave-up"]);
  });

  it("is done when what it published is confirmed, and fails when that is refused", async () => {
    const confirmed = Promise.withResolvers<void>();
    const { told, add } = runs({ hasUnconfirmed: true, allConfirmed: () => confirmed.promise });
    const one = deferred();
    add(1, one);
    one.handle.done();
    await turn();
    expect(told).toEqual(["1 deferred 300000"]);
    confirmed.reject(new Error("no stream"));
    await turn();
    expect(told).toEqual(["1 deferred 300000", "1 threw"]);
  });

  it("is ended from outside: its signal aborts, its number is free, and who comes then is late", async () => {
    const reasons: unknown[] = [];
    const { told, all, add } = runs({ abort: (reason) => reasons.push(reason) });
    const one = deferred();
    add(3, one);
    const reason = new Error("the lease");
    expect([all.abort(3, reason), all.abort(3, reason), all.abort(4, reason)]).toEqual([true, false, false]);
    expect(one.handle.done()).toBe(false);
    await turn();
    expect([reasons, told]).toEqual([[reason], ["3 deferred 300000", "3 returned"]]);
  });
});

describe("ctx.defer", () => {
  const thrown = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      const { name, code } = error as Error & { readonly code: unknown };
      return `${name} ${String(code)}`;
    }
  };

  it.each([{}, { lease: "0s" }, { lease: "25h" }, { lease: 5 }, { lease: "soon" }])(
    "refuses the lease of %j",
    (options) => {
      expect(thrown(() => deferral(options as never, CAN))).toBe("TypeError INVALID_OPTION");
    },
  );

  it("refuses what it does not know, a second call, and handlers that cannot", () => {
    expect(thrown(() => deferral({ lease: "1s", leas: "1s" } as never, CAN))).toBe("TypeError UNKNOWN_OPTION");
    expect(thrown(() => deferral({ lease: "1s" }, { ...CAN, before: deferred() }))).toBe("Error DEFERRED_TWICE");
    expect(thrown(() => deferral({ lease: "1s" }, { ...CAN, cannotDefer: "has an order" }))).toBe(
      "TypeError CANNOT_DEFER",
    );
  });

  it("E3: has 1,000 of a process wait, and no more until one is settled", () => {
    for (const one of opened) one.end();
    const all = Array.from({ length: 1_000 }, deferred);
    expect(thrown(deferred)).toBe("Error TOO_MANY_DEFERRED");
    all[0]!.handle.done();
    all[0]!.end();
    expect(thrown(deferred)).not.toContain?.("TOO_MANY");
    expect(thrown(deferred)).toBe("Error TOO_MANY_DEFERRED");
    for (const one of opened) one.end();
  });
});
