import { expect, it } from "vitest";
import { workIn } from "../../../runtime/testing/advance.ts";

const durable = (pending: number, unsettled: number, most = 1_000) =>
  ({ num_pending: pending, num_ack_pending: unsettled, config: { max_ack_pending: most } }) as never;

it("what is put off is no work now, all else in the durable is", () => {
  expect(workIn(durable(2, 3), 0)).toEqual({ now: 5, putOff: 0 });
  expect(workIn(durable(2, 3), 1)).toEqual({ now: 4, putOff: 1 });
});

it("what has to wait behind it is none either", () => {
  expect(workIn(durable(2, 1, 1), 1)).toEqual({ now: 0, putOff: 1 });
  expect(workIn(durable(2, 2, 2), 1)).toEqual({ now: 3, putOff: 1 });
});

it("a message that was handed out meanwhile makes nothing less than nothing", () => {
  expect(workIn(durable(0, 0), 1)).toEqual({ now: 0, putOff: 1 });
});
