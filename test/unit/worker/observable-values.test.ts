import { BehaviorSubject, concat, interval, of, Subject, throwError } from "rxjs";
import { expect, it } from "vitest";
import { isObservable, valuesOf } from "../../../runtime/worker/observable-values.ts";

async function all(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const value of values) found.push(value);
  return found;
}

it("what RxJS makes is an Observable, what can be iterated or awaited is none", () => {
  expect([of(1), new Subject(), interval(1)].every(isObservable)).toBe(true);
  expect([undefined, null, "a", [], {}, Promise.resolve(), { subscribe() {} }].some(isObservable)).toBe(false);
});

it("all values come, those of one moment too, in their order", async () => {
  expect(await all(valuesOf(of(1, 2, 3)))).toEqual([1, 2, 3]);
  expect(await all(valuesOf(of()))).toEqual([]);
});

it("values that come later are awaited", async () => {
  const subject = new Subject<number>();
  const values = all(valuesOf(subject));
  subject.next(1);
  await Promise.resolve();
  subject.next(2);
  subject.complete();
  expect(await values).toEqual([1, 2]);
});

it("an error comes after the values before it", async () => {
  const found: unknown[] = [];
  const failing = valuesOf(
    concat(
      of(1, 2),
      throwError(() => new Error("no further")),
    ),
  );
  const reading = (async () => {
    for await (const value of failing) found.push(value);
  })();
  await expect(reading).rejects.toThrow("no further");
  expect(found).toEqual([1, 2]);
});

it("V1: who asks no further unsubscribes", async () => {
  const subject = new BehaviorSubject(1);
  for await (const value of valuesOf(subject)) {
    expect([value, subject.observed]).toEqual([1, true]);
    break;
  }
  expect(subject.observed).toBe(false);
});
