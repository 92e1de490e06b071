import { expect, it } from "vitest";
import { attemptOf } from "../../../runtime/bind/attempt-count.ts";

const BEGAN = true;
const NOT_BEGUN = false;

it.each([
  ["a first redelivery is the second attempt", 2, 0, NOT_BEGUN, 2, 0],
  ["what was given back does not count", 4, 3, NOT_BEGUN, 1, 0],
  ["more was given back than delivered, after a server forgot: the first", 2, 5, NOT_BEGUN, 1, 0],
  ["the host died at the last attempt: beyond it, for a letter", 6, 0, BEGAN, 6, 0],
  ["the delivery of the last attempt reached nobody: it is the last attempt", 6, 0, NOT_BEGUN, 5, 1],
  ["ten thousands of deliveries reached nobody: the last attempt", 82_089, 2, NOT_BEGUN, 5, 82_082],
  ["and once that has begun, the one after it is beyond the last", 82_090, 82_084, BEGAN, 6, 0],
  ["what was noted in an earlier life of the consumer does not matter before the last attempt", 3, 0, BEGAN, 3, 0],
])("%s", (_name, deliveries, uncharged, lastBegan, attempt, unheard) => {
  expect(attemptOf({ deliveries, uncharged, lastBegan }, 5)).toEqual({ attempt, unheard });
});

it.each([
  ["a few deliveries more than one attempt are crashes", 2, 2, 0],
  ["very many are not", 82_089, 1, 82_088],
])("%s", (_name, deliveries, attempt, unheard) => {
  expect(attemptOf({ deliveries, uncharged: 0, lastBegan: false }, 1)).toEqual({ attempt, unheard });
});
