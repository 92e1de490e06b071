import { expect, it } from "vitest";
import { KeyQueue, type OrderBy } from "../../../runtime/worker/key-queue.ts";

function queueOf(orderBy: OrderBy = (event) => (event as { key: string }).key) {
  const told: string[] = [];
  const soon: (() => void)[] = [];
  const ends = new Map<number, () => void>();
  const queue = new KeyQueue(orderBy, {
    held: (frameId) => told.push(`held ${frameId}`),
    begun: (frameId) => told.push(`begun ${frameId}`),
    soon: (callback) => soon.push(callback),
  });
  return {
    told,
    take(frameId: number, key: string, endsAtOnce = false) {
      queue.take(frameId, { key }, { subject: `of.${key}` }, () => {
        told.push(`start ${frameId}`);
        if (endsAtOnce) return undefined;
        return new Promise<void>((resolve) => ends.set(frameId, resolve));
      });
    },
    async end(frameId: number) {
      ends.get(frameId)?.();
      await Promise.resolve();
      await Promise.resolve();
      for (let turn = soon.shift(); turn !== undefined; turn = soon.shift()) turn();
    },
  };
}

it("messages of one key begin one after another, in the order they came; other keys do not wait (O1, O2, O3)", async () => {
  const { take, end, told } = queueOf();
  take(1, "a");
  take(2, "a");
  take(3, "b");
  take(4, "a");
  expect(told.splice(0)).toEqual(["start 1", "held 2", "start 3", "held 4"]);
  await end(1);
  expect(told.splice(0)).toEqual(["begun 2", "start 2"]);
  await end(3);
  expect(told.splice(0)).toEqual([]);
  await end(2);
  expect(told.splice(0)).toEqual(["begun 4", "start 4"]);
  await end(4);
  take(5, "a");
  expect(told).toEqual(["start 5"]);
});

it("a long row that ends at once does not grow the stack", async () => {
  const { take, end, told } = queueOf();
  take(0, "a");
  for (let at = 1; at <= 20_000; at++) take(at, "a", true);
  told.splice(0);
  await end(0);
  expect(told.filter((line) => line.startsWith("start"))).toHaveLength(20_000);
});

it("what orderBy throws, or gives that is no key, fails the message alone", () => {
  const throwing = queueOf(() => {
    throw new Error("no such field");
  });
  expect(() => throwing.take(1, "a")).toThrow("no such field");
  const nothing = queueOf(() => undefined);
  expect(() => nothing.take(1, "a")).toThrow("metadata.orderBy must give a string, but gave undefined");
  const number = queueOf(() => 7);
  number.take(1, "a");
  expect(number.told).toEqual(["start 1"]);
});

it("the key may be the message's, and not the event's", async () => {
  const { take, told } = queueOf((_, message) => (message as { subject: string }).subject);
  take(1, "a");
  take(2, "a");
  take(3, "b");
  expect(told).toEqual(["start 1", "held 2", "start 3"]);
});
