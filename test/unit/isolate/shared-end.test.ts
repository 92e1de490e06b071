// Row by row of the table in shared-end.ts.

import { expect, it } from "vitest";
import { endsOf, type SharedPart } from "../../../runtime/isolate/shared-end.ts";
import { NOT_ITS_FAULT, PAST_TIMEOUT, type WorkerExit } from "../../../runtime/message/outcome.ts";

const CRASH: WorkerExit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };
const KILLED: WorkerExit = { ...CRASH, code: null, signal: "SIGKILL", killedBecause: PAST_TIMEOUT };
const IDLE: SharedPart = { inFlight: 0, isBlamed: false, killedIt: false, hasAnswered: false };
const BUSY: SharedPart = { ...IDLE, inFlight: 2 };

it.each([
  ["itself says of which handler", [{ ...BUSY, isBlamed: true }, BUSY], CRASH, ["own", "others"]],
  [
    "a message would not end, and the loop turns",
    [{ ...BUSY, killedIt: true, hasAnswered: true }, BUSY],
    KILLED,
    ["own", "others"],
  ],
  [
    "a message would not end, and the loop stands still",
    [{ ...BUSY, killedIt: true }, BUSY, IDLE],
    KILLED,
    ["unknown", "unknown", "others"],
  ],
  ["the loop stands still, and nobody else had any", [{ ...BUSY, killedIt: true }, IDLE], KILLED, ["own", "others"]],
  ["one has messages in flight", [IDLE, BUSY, IDLE], CRASH, ["others", "own", "others"]],
  ["several have messages in flight", [BUSY, IDLE, BUSY], CRASH, ["unknown", "others", "unknown"]],
  ["none has messages in flight", [IDLE, IDLE], CRASH, ["own", "own"]],
  [
    "the runtime ends it",
    [BUSY, { ...BUSY, killedIt: true, hasAnswered: true }],
    { ...KILLED, killedBecause: NOT_ITS_FAULT },
    ["others", "others"],
  ],
] as const)("%s", (_, parts, exit, answers) => {
  const given = parts.map((part) => ({ ...part }));
  const ends = endsOf(given, exit);
  expect(given.map((part) => ends.get(part)?.dueTo ?? "own")).toEqual(answers);
  for (const end of ends.values()) expect(end).toMatchObject(exit);
});
