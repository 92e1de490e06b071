import { expect, it } from "vitest";
import { attemptOf } from "../../../runtime/bind/attempt-count.ts";

it.each([
  ["a first redelivery is the second attempt", 2, 0, 2, 0],
  ["what was given back does not count", 4, 3, 1, 0],
  ["more was given back than delivered, after a server forgot: the first", 2, 5, 1, 0],
  ["the host died at the last attempt: beyond it, for a letter", 6, 0, 6, 0],
  ["ten thousands of deliveries reached nobody: the last attempt", 82_089, 2, 5, 82_082],
  ["and once that is written down, the one after it is beyond the last", 82_090, 82_084, 6, 0],
])("%s", (_name, deliveries, uncharged, attempt, unheard) => {
  expect(attemptOf(deliveries, uncharged, 5)).toEqual({ attempt, unheard });
});
