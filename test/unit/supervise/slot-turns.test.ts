import { expect, it } from "vitest";
import { createConcurrencyLimit } from "../../../runtime/supervise/concurrency-limit.ts";
import { SlotTurns } from "../../../runtime/supervise/slot-turns.ts";

function turnsThat(onFault: (error: unknown) => void = () => undefined) {
  return new SlotTurns(createConcurrencyLimit(1), onFault);
}

it("a forced reload that another cuts short is made by that one", async () => {
  const turns = turnsThat();
  const began: boolean[] = [];
  const comesUp = async (fresh: boolean): Promise<void> => {
    const signal = turns.begin();
    began.push(fresh);
    if (began.length === 1) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    turns.over({ superseded: signal.aborted, fresh });
  };
  void turns.reload(1, true, comesUp);
  await Promise.resolve();
  await turns.reload(2, false, comesUp);
  await turns.reload(3, false, comesUp);
  expect(began).toEqual([true, true, false]);
});

it("a step that rejects is told, and the next one runs", async () => {
  const faults: unknown[] = [];
  const turns = turnsThat((error) => faults.push(error));
  await turns.run(() => Promise.reject(new Error("not today")));
  const ran: string[] = [];
  await turns.run(async () => void ran.push("next"));
  expect([faults.map(String), ran]).toEqual([["Error: not today"], ["next"]]);
});
