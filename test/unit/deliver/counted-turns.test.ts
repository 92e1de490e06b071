import { beforeEach, expect, it } from "vitest";
import { CountedTurns } from "../../../runtime/deliver/counted-turns.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let waiting: number;
let began: number;
let givenBack: number;
let asked: { readonly wanted: number; answer(granted: number): void; fail(): void }[];
let turns: CountedTurns;

beforeEach(() => {
  [clock, waiting, began, givenBack, asked] = [fakeClock(), 0, 0, 0, []];
  turns = new CountedTurns({
    first: { count: 5, left: 5, saidMs: 1 },
    letThrough: (wanted) =>
      new Promise((resolve, reject) => asked.push({ wanted, answer: resolve, fail: () => reject(new Error("away")) })),
    clock,
    waiting: () => waiting,
    onTurn: begin,
    onUsedUp: () => {
      givenBack += waiting;
      waiting = 0;
    },
  });
});

/** As a dispatcher does. */
function begin(): void {
  while (waiting > 0 && turns.mayBegin()) {
    turns.take();
    waiting--;
    began++;
  }
}

function arrive(count: number): Promise<void> {
  waiting += count;
  begin();
  return nextTurn();
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

it("nothing begins before it was counted, and it is asked once for all that wait (C1)", async () => {
  await arrive(3);
  await arrive(1);
  expect([began, asked.map(({ wanted }) => wanted)]).toEqual([0, [3]]);
  asked[0]!.answer(3);
  await nextTurn();
  expect([began, asked.map(({ wanted }) => wanted)]).toEqual([3, [3, 1]]);
});

it("when fewer are left than wait, the others are given back, and so is what comes after (C2)", async () => {
  await arrive(4);
  asked[0]!.answer(1);
  await nextTurn();
  expect([began, givenBack]).toEqual([1, 0]);
  asked[1]!.answer(0);
  await nextTurn();
  expect([began, givenBack]).toEqual([1, 3]);
  await arrive(2);
  expect([began, givenBack, asked.length]).toEqual([1, 5, 2]);
  expect(turns.atMost).toBe(0);
});

it("what was counted here begins, also when it is heard before that none is left", async () => {
  await arrive(2);
  turns.heard(0);
  expect(givenBack).toBe(0);
  asked[0]!.answer(2);
  await nextTurn();
  expect([began, givenBack]).toEqual([2, 0]);
});

it("what is counted elsewhere is asked for no more, and a number that comes late changes nothing", () => {
  turns.heard(2);
  turns.heard(4);
  expect(turns.atMost).toBe(2);
});

it("while nobody can count, messages wait, and it is asked again", async () => {
  await arrive(1);
  asked[0]!.fail();
  await nextTurn();
  await arrive(1);
  expect([began, givenBack, asked.length]).toEqual([0, 0, 1]);
  clock.advance(1_000);
  expect(asked.map(({ wanted }) => wanted)).toEqual([1, 2]);
  asked[1]!.answer(2);
  await nextTurn();
  expect([began, clock.pending]).toEqual([2, 0]);
});
