// How deliveries end that have published without waiting for an answer.

import { expect, it } from "vitest";
import { HeldOutcomes } from "../../../runtime/isolate/held-outcomes.ts";
import type { CallAnswer } from "../../../runtime/message/handler-call.ts";
import { type Outcome, RETURNED, type WorkerExit } from "../../../runtime/message/outcome.ts";

const SENT: CallAnswer = { ok: true, body: new Uint8Array(0) };
const AWAY: CallAnswer = { ok: false, code: 503, message: "not connected" };
const EXIT: WorkerExit = { code: 1, signal: null, killedBecause: undefined, outOfMemory: false, lastOutput: [] };

function outcomes() {
  const told: unknown[] = [];
  const held = new HeldOutcomes({
    done: (firstId, count) => told.push(count === 1 ? firstId : [firstId, count]),
    ended: (id, outcome) => told.push([id, outcome.kind === "threw" ? outcome.error.name : outcome.kind]),
    chunk: (id, data) => told.push([id, data.length]),
    held: (id) => told.push(["held", id]),
    begun: (id) => told.push(["begun", id]),
    deferred: (id, leaseMs) => told.push(["deferred", id, leaseMs]),
    alive: () => told.push("alive"),
    exited: ({ code }) => told.push(["exited", code]),
  });
  return { held, told };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const THREW: Outcome = { kind: "threw", error: { name: "TypeError", message: "broken", stack: "" } };

it("what has published nothing, or what has left at once, ends when it ends", () => {
  const { held, told } = outcomes();
  held.done(1, 5);
  held.ended(6, THREW);
  held.chunk(7, new Uint8Array(3));
  held.held(8);
  held.begun(8);
  held.deferred(9, 1_000);
  held.alive();
  held.exited(EXIT);
  expect(told).toEqual([
    [1, 5],
    [6, "TypeError"],
    [7, 3],
    ["held", 8],
    ["begun", 8],
    ["deferred", 9, 1_000],
    "alive",
    ["exited", 1],
  ]);
});

it("a delivery has not ended before what it published has left, and holds up no other", async () => {
  const { held, told } = outcomes();
  const first = Promise.withResolvers<CallAnswer>();
  const second = Promise.withResolvers<CallAnswer>();
  void held.keep(2, first.promise);
  void held.keep(2, second.promise);
  held.done(1, 3);
  expect(told).toEqual([1, 3]);
  first.resolve(SENT);
  await turn();
  expect(told).toEqual([1, 3]);
  second.resolve(SENT);
  await turn();
  expect(told).toEqual([1, 3, 2]);
  held.done(4, 2);
  expect(told).toEqual([1, 3, 2, [4, 2]]);
});

it("it fails with what could not leave, whether that is known before or after it has ended", async () => {
  const { held, told } = outcomes();
  await held.keep(1, AWAY);
  held.done(1, 1);
  const late = Promise.withResolvers<CallAnswer>();
  void held.keep(2, late.promise);
  held.ended(2, { kind: "returned", reply: new Uint8Array(1) });
  late.resolve({ ok: false, code: 413, message: "too large" });
  await turn();
  expect(told).toEqual([
    [1, "NatsUnavailable"],
    [2, "Error"],
  ]);
});

it("what failed by itself stays what it was", async () => {
  const { held, told } = outcomes();
  await held.keep(1, AWAY);
  held.ended(1, THREW);
  expect(told).toEqual([[1, "TypeError"]]);
});

it("what was done when its worker ended, and waited to leave, is run again and is nobody's fault", async () => {
  const { held, told } = outcomes();
  const never = Promise.withResolvers<CallAnswer>();
  void held.keep(1, never.promise);
  held.ended(1, RETURNED);
  held.exited(EXIT);
  expect(told).toEqual([
    [1, "NatsUnavailable"],
    ["exited", 1],
  ]);
  never.resolve(SENT);
  await turn();
  expect(told.length).toBe(2);
});

it("what waited to leave when another handler of its process ended that has not ended: it is left to run again", async () => {
  const { held, told } = outcomes();
  const never = Promise.withResolvers<CallAnswer>();
  void held.keep(1, never.promise);
  held.ended(1, RETURNED);
  held.exited({ ...EXIT, dueTo: "others" });
  never.resolve(SENT);
  await turn();
  expect(told).toEqual([["exited", 1]]);
});
