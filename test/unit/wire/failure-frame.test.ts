import { expect, it } from "vitest";
import { readFailure } from "../../../runtime/wire/failure-frame.ts";

const error = { name: "SlowDown", message: "429", stack: "" };

it("a pause that no sdk of ours would ask for is bounded, whatever a worker says", () => {
  expect(readFailure({ kind: "slow-down", error, delayMs: 30_000 })).toEqual({
    kind: "slow-down",
    error,
    delayMs: 30_000,
  });
  expect(readFailure({ kind: "slow-down", error, delayMs: 1e300 })).toMatchObject({ delayMs: 3_600_000 });
});

it("the key of a pause is looked at before the supervisor reads messages by it", () => {
  const said = { kind: "slow-down", error, delayMs: 1_000 };
  expect(readFailure({ ...said, key: { field: "a.b" } })).toEqual({ ...said, key: { field: "a.b" } });
  expect(() => readFailure({ ...said, key: { field: 7 } })).toThrow(RangeError);
});

it.each([undefined, null, "30s", 0, -1, Number.NaN])("a pause of %s is no outcome of a delivery", (delayMs) => {
  expect(() => readFailure({ kind: "slow-down", error, delayMs })).toThrow(RangeError);
});
