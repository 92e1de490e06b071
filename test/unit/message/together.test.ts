import { expect, it } from "vitest";
import type { CallAnswer, HandlerCall } from "../../../runtime/message/handler-call.ts";
import { Together } from "../../../runtime/message/together.ts";

const call = (subject: string) => ({ subject }) as HandlerCall;
const OK: CallAnswer = { ok: true, body: new Uint8Array(0) };
const REFUSED = { ok: false, code: 413, message: "too large" } as const;

function three() {
  const together = new Together(3);
  const [first, second, third] = [together.place(), together.place(), together.place()];
  const carriedOut: string[][] = [];
  const all = async (calls: readonly HandlerCall[]) => {
    carriedOut.push(calls.map(({ subject }) => subject));
    return OK;
  };
  return { together, first, second, third, carriedOut, all };
}

it("they are carried out in the order of their places, when the last of them has come, and answered alike (T1)", async () => {
  const { together, first, second, third, carriedOut, all } = three();
  expect(together.isFull).toBe(true);
  const answers = [third.carryOut(call("c"), all), first.carryOut(call("a"), all)];
  expect(carriedOut).toEqual([]);
  answers.push(second.carryOut(call("b"), all));
  expect(await Promise.all(answers)).toEqual([OK, OK, OK]);
  expect(carriedOut).toEqual([["a", "b", "c"]]);
});

it("one that is refused on its way is the end of all, whenever the others come (T2)", async () => {
  const { together, first, third, carriedOut, all } = three();
  const before = first.carryOut(call("a"), all);
  together.giveUp(REFUSED);
  expect(await Promise.all([before, third.carryOut(call("c"), all)])).toEqual([REFUSED, REFUSED]);
  expect(carriedOut).toEqual([]);
});

it("none is carried out where one was refused, though all have come in the end", async () => {
  const { together, first, second, third, carriedOut, all } = three();
  together.giveUp(REFUSED);
  const answers = [first, second, third].map((place) => place.carryOut(call("x"), all));
  expect(await Promise.all(answers)).toEqual([REFUSED, REFUSED, REFUSED]);
  expect(carriedOut).toEqual([]);
});
