import { beforeEach, describe, expect, it } from "vitest";
import { PutOffs } from "../../../runtime/bind/put-offs.ts";
import { StreamDelivery } from "../../../runtime/bind/stream-delivery.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let again: StreamDelivery[];
let givenBack: StreamDelivery[];
let room: number;
let putOffs: PutOffs;
beforeEach(() => {
  [clock, again, givenBack, room] = [fakeClock(), [], [], 0];
  putOffs = new PutOffs({
    clock,
    again: (delivery) => again.push(delivery),
    giveBack: (delivery) => givenBack.push(delivery),
    onRoom: () => room++,
  });
});

function delivery(streamSequence = 1): StreamDelivery {
  const info = { stream: "S", consumer: "c", deliveries: 1, streamSequence, storedAtMs: 5, pending: 0 };
  const message = {
    subject: "s",
    seq: streamSequence,
    origin: 0,
    data: Buffer.alloc(0),
    headers: undefined,
    storedAtMs: 1,
    hops: 0,
  };
  return new StreamDelivery(message, "$JS.ACK.x", info);
}

describe("a message put off", () => {
  it("is run again after 1, 2, 4 seconds, and every 30 in the end", () => {
    const one = delivery();
    const waits = Array.from({ length: 7 }, () => {
      const waitMs = Number(putOffs.add(one));
      clock.advance(waitMs);
      return waitMs;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(again).toHaveLength(7);
  });

  it("is not put off any more after an hour: then its failures count", () => {
    const one = delivery();
    putOffs.add(one);
    clock.advance(3_600_000);
    expect(putOffs.add(one)).toBe("charge");
  });

  it("goes back when the handler is unbound, and so does what fails then", () => {
    const one = delivery();
    putOffs.add(one);
    putOffs.stop();
    expect(givenBack).toEqual([one]);
    clock.advance(60_000);
    expect([again, putOffs.add(delivery(2))]).toEqual([[], "give-back"]);
  });
});

it("256 hold no slot while they wait, and the rest hold theirs", () => {
  for (let seq = 1; seq <= 300; seq++) putOffs.add(delivery(seq));
  expect([putOffs.withoutSlot, putOffs.inSlots, room]).toEqual([256, 44, 256]);
  clock.advance(1_000);
  expect([putOffs.withoutSlot, putOffs.inSlots, again.length]).toEqual([0, 0, 300]);
});
