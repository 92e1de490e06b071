import { describe, expect, it } from "vitest";
import { KeptSeen } from "../../../runtime/control/kept-seen.ts";
import type { Seen } from "../../../runtime/control/seen.ts";

function line(handler: string, number: number, chars = 0): Seen {
  return { kind: "line", handler, id: "1", number, atMs: number, level: "info", text: "x".repeat(chars) };
}

function run(handler: string, number: number): Seen {
  const about = { handler, id: String(number), number, atMs: number, version: "v", subject: "s", origin: "o" };
  const how = { attempt: 1, outcome: "returned", tookMs: 1, waitedMs: 0, headers: [] } as const;
  return { kind: "run", ...about, ...how, payload: { bytes: 0 } };
}

const numbers = (kept: Iterable<Seen>) => [...kept].map(({ number }) => number);

describe("what was seen", () => {
  it("is kept of the last so many deliveries of each handler, with what belongs to them", () => {
    const kept = new KeptSeen(2, 1e6);
    for (const one of [line("a", 1), run("a", 2), line("a", 3), run("a", 4), run("b", 5), run("a", 6)]) kept.add(one);
    expect(numbers(kept.of("a"))).toEqual([3, 4, 6]);
    expect(numbers(kept.all()).sort()).toEqual([3, 4, 5, 6]);
    expect(numbers(kept.of("c"))).toEqual([]);
  });

  it("loses the oldest of the handler that has most, when it is too much in all", () => {
    const kept = new KeptSeen(1_000, 10_000);
    kept.add(line("quiet", 1));
    for (let at = 2; at < 100; at++) kept.add(line("loud", at, 400));
    expect(numbers(kept.of("quiet"))).toEqual([1]);
    expect(numbers(kept.of("loud")).at(-1)).toBe(99);
    expect(numbers(kept.of("loud")).length).toBeLessThan(10);
  });
});
