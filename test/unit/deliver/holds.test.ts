import { expect, it } from "vitest";
import { Holds } from "../../../runtime/deliver/holds.ts";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const refused = { reason: "pulls-refused", text: "409", remedy: "look" } as const;
const stalled = { reason: "stalled", text: "nothing comes", remedy: "look" } as const;

function board() {
  const clock = fakeClock();
  const events: RuntimeEvent[] = [];
  const holds = new Holds("save", clock, (event) => void events.push(event));
  return { clock, holds, told: () => events.map(({ type }) => type) };
}

it("a hold is told once at its beginning and once at its end, with the time it began", () => {
  const { clock, holds, told } = board();
  holds.begin(refused);
  clock.advance(5_000);
  holds.begin({ ...refused, text: "409 again" });
  expect(holds.all).toEqual([{ ...refused, text: "409 again", sinceMs: 1_000 }]);
  holds.end("pulls-refused");
  holds.end("pulls-refused");
  expect(holds.all).toEqual([]);
  expect(told()).toEqual(["handler.held", "handler.released"]);
});

it("a hold that comes and goes is told once a minute", () => {
  const { clock, holds, told } = board();
  for (let at = 0; at < 10; at++) {
    holds.begin(refused);
    holds.end("pulls-refused");
    clock.advance(1_000);
  }
  expect(told()).toHaveLength(2);
  clock.advance(60_000);
  holds.begin(refused);
  expect(told()).toHaveLength(3);
});

it("that nothing comes is not shown beside what keeps it", () => {
  const { holds } = board();
  holds.begin(stalled);
  expect(holds.all).toHaveLength(1);
  holds.begin(refused);
  expect(holds.all.map(({ reason }) => reason)).toEqual(["pulls-refused"]);
  holds.clear();
  expect(holds.all).toEqual([]);
});
