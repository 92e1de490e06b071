// What turns say of costs that noise covers.

import { describe, expect, it } from "vitest";
import { middleOf, ofTwins, takeTurns } from "../../bench/measure/turns.ts";

const TURNS = Array.from({ length: 90 }, (_, turn) => turn);
/** A machine that is up to twice as slow, in waves that last several turns. */
const slowed = (turn: number) => 1.5 + Math.sin(turn / 4) / 2;
const raw = TURNS.map((turn) => 2 * slowed(turn));

describe("turns", () => {
  it("are taken by all, and each time another one begins", async () => {
    const order: string[] = [];
    const contenders = ["a", "b", "c"].map((name) => ({ name }));
    const costs = await takeTurns(contenders, 4, async ({ name }) => order.push(name));
    expect(order.join("")).toBe("abcbcacababc");
    expect(costs).toEqual({ a: [1, 6, 8, 10], b: [2, 4, 9, 11], c: [3, 5, 7, 12] });
  });

  it("tell what one costs of the twins, whatever the machine does besides", () => {
    const costs = raw.map((cost) => cost * 1.2);
    expect(middleOf(ofTwins(costs, [raw, raw])).median).toBeCloseTo(1.2);
  });

  it("tell it also when the machine becomes slower and slower", () => {
    const slower = raw.map((cost, turn) => cost * (1 + turn / 90));
    const costs = slower.map((cost) => cost * 1.2);
    expect(middleOf(ofTwins(costs, [slower, slower])).median).toBeCloseTo(1.2);
  });

  it("are not judged by the few that met something else", () => {
    const disturbed = raw.map((cost, turn) => (turn % 10 === 0 ? cost * 8 : cost));
    expect(middleOf(ofTwins(disturbed, [raw, raw]))).toEqual({ median: 1, min: 1, max: 1 });
  });
});
