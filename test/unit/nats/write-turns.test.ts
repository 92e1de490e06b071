import { expect, it } from "vitest";
import { WriteTurns } from "../../../runtime/nats/write-turns.ts";

it("so many writes are under way, the others begin in their turn, and one that fails makes room as well", async () => {
  const turns = new WriteTurns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const write = (n: number) => () => {
    begun.push(n);
    return new Promise<number>((resolve, reject) => {
      ends.push(() => (n === 1 ? reject(new Error("refused")) : resolve(n)));
    });
  };
  const all = [0, 1, 2, 3, 4].map((n) => turns.run(write(n)).catch(() => "failed"));
  expect(begun).toEqual([0, 1]);
  ends[1]!();
  expect(await all[1]).toBe("failed");
  expect(begun).toEqual([0, 1, 2]);
  ends[0]!();
  ends[2]!();
  expect(await Promise.all([all[0], all[2]])).toEqual([0, 2]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  ends[3]!();
  ends[4]!();
  expect(await Promise.all([all[3], all[4]])).toEqual([3, 4]);

  const next = [5, 6, 7].map((n) => turns.run(write(n)));
  expect(begun.slice(5)).toEqual([5, 6]);
  for (const end of ends.slice(5)) end();
  await next[0];
  await Promise.resolve();
  ends.at(-1)!();
  expect(await Promise.all(next)).toEqual([5, 6, 7]);
});
