import { describe, expect, test, vi } from "vitest";
import { GiveUp, RetryLater, SlowDown, verdictOf } from "../../../sdk/verdicts.ts";

describe("verdictOf", () => {
  test("RetryLater carries its delay in milliseconds", () => {
    expect(verdictOf(new RetryLater("30s"))).toEqual({ kind: "retry-later", delayMs: 30_000 });
    expect(verdictOf(new RetryLater())).toEqual({ kind: "retry-later", delayMs: undefined });
  });

  test("GiveUp carries its reason as its message, and its cause", () => {
    const cause = new Error("402");
    const error = new GiveUp("card expired", { cause });
    expect(verdictOf(error)).toEqual({ kind: "give-up" });
    expect(error).toMatchObject({ name: "GiveUp", message: "card expired", cause });
  });

  test("SlowDown carries its delay, and what the messages have in common that pause", () => {
    expect(verdictOf(new SlowDown("30s"))).toEqual({ kind: "slow-down", delayMs: 30_000 });
    const key = { header: "tenant" };
    expect(verdictOf(new SlowDown("30s", { key }))).toEqual({ kind: "slow-down", delayMs: 30_000, key });
    const cause = new Error("429");
    const error = new SlowDown("1m", "too many", { key, cause });
    expect(error).toMatchObject({ message: "too many", cause });
    expect(verdictOf(error)).toEqual({ kind: "slow-down", delayMs: 60_000, key });
  });

  test.each([["acme"], [{}], [{ header: 1 }], [{ token: 0 }], [{ header: "a", field: "b" }], [() => "acme"]])(
    "SlowDown refuses %j as a key",
    (key) => {
      expect(() => new SlowDown("30s", { key: key as never })).toThrow(/the key must be \{ wildcard: 0 \}/);
    },
  );

  test("what throws when it is touched is no verdict, and a mark that makes no sense is none", () => {
    const hostile = new Proxy(new Error("no"), {
      get() {
        throw new Error("hands off");
      },
    });
    expect(verdictOf(hostile)).toBeUndefined();
    const VERDICT = Symbol.for("nats-handlers.verdict");
    expect(verdictOf({ [VERDICT]: { kind: "shred" } })).toBeUndefined();
    expect(verdictOf({ [VERDICT]: { kind: "retry-later", delayMs: "soon" } })).toEqual({
      kind: "retry-later",
      delayMs: undefined,
    });
  });

  test("a subclass is a verdict too", () => {
    class CardExpired extends GiveUp {}
    expect(verdictOf(new CardExpired("no funds"))).toEqual({ kind: "give-up" });
  });

  test("a verdict from another copy of the sdk is recognised", async () => {
    vi.resetModules();
    const copy = await import("../../../sdk/verdicts.ts");
    const error = new copy.RetryLater("1m", "rate limited");
    expect(error).not.toBeInstanceOf(RetryLater);
    expect(verdictOf(error)).toEqual({ kind: "retry-later", delayMs: 60_000 });
  });

  test.each([[new Error("no")], ["text"], [null], [undefined], [{ kind: "give-up" }], [42]])(
    "%s is no verdict",
    (thrown) => {
      expect(verdictOf(thrown)).toBeUndefined();
    },
  );
});

test("a delay that is no duration is refused where it is written", () => {
  expect(() => new RetryLater("soon" as never)).toThrow(
    new TypeError('RetryLater: the delay must be a duration such as "30s"; received "soon"'),
  );
});
