import { beforeEach, expect, it } from "vitest";
import { StreamWatch } from "../../../runtime/bind/stream-watch.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let takes: string | undefined;
let left: number | undefined;
let looks: number;
let told: string[];

beforeEach(() => {
  [clock, takes, left, looks, told] = [fakeClock(), "OLD", 0, 0, []];
});

function watching(watched = 1, isLeaving = false): StreamWatch {
  return new StreamWatch({
    clock,
    isLeaving,
    stream: "OLD",
    async where() {
      looks++;
      return takes;
    },
    left: async () => left,
    watched: () => watched,
    onMoved: (to) => void told.push(`moved to ${to}`),
    onLeftBehind: (to, messages) => void told.push(`${messages} left, then ${to}`),
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function after(ms: number): Promise<void> {
  clock.advance(ms);
  await turn();
}

it("a subject that has moved is noticed within ten seconds, though its old stream is there and nobody asks", async () => {
  const watch = watching();
  takes = "NEW";
  await after(10_000);
  expect([told, watch.hasMoved]).toEqual([["moved to NEW"], true]);
});

it("one that is known to be left is looked at soon, and less and less often", async () => {
  const watch = watching(1, true);
  for (let ms = 0; ms < 9_900; ms += 100) await after(100);
  expect(looks).toBe(6);
  takes = "NEW";
  await after(100);
  expect([looks, told, watch.hasMoved, clock.pending]).toEqual([7, ["moved to NEW"], true, 0]);
});

it("what is left in the old stream comes first", async () => {
  const watch = watching();
  [takes, left] = ["NEW", 3];
  await after(10_000);
  expect([told, watch.hasMoved]).toEqual([["3 left, then NEW"], false]);
  left = 0;
  await after(2_000);
  expect([told.at(-1), watch.hasMoved]).toEqual(["moved to NEW", true]);
});

it("nothing is concluded from no answer", async () => {
  const watch = watching();
  [takes, left] = ["NEW", undefined];
  await after(10_000);
  takes = undefined;
  await after(10_000);
  expect([told, watch.hasMoved, looks]).toEqual([[], false, 2]);
});

it("of very many each is looked at less often", async () => {
  watching(500);
  for (let tick = 0; tick < 10; tick++) await after(10_000);
  expect(looks).toBe(1);
});
