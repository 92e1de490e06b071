// So many at a time, and what has begun first.

import { expect, it } from "vitest";
import { Turns } from "../../../runtime/schedule/turns.ts";

function acts(turns: Turns) {
  const began: string[] = [];
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const take = (name: string, is?: "begun" | "new") =>
    turns.take(() => {
      began.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      ends.set(name, { resolve, reject });
      return promise;
    }, is);
  return { began, ends, take };
}

it("what goes on with something has its turn before what begins, each in their order, also after one that fails", async () => {
  const { began, ends, take } = acts(new Turns(2));
  const [a, b] = [take("a"), take("b")];
  const rest = [take("c"), take("d"), take("e", "begun"), take("f", "begun")];
  expect(began).toEqual(["a", "b"]);
  ends.get("a")?.reject(new Error("no"));
  await expect(a).rejects.toThrow("no");
  ends.get("b")?.resolve();
  await b;
  await expect.poll(() => began).toEqual(["a", "b", "e", "f"]);
  for (const name of ["e", "f"]) ends.get(name)?.resolve();
  await expect.poll(() => began).toEqual(["a", "b", "e", "f", "c", "d"]);
  for (const name of ["c", "d"]) ends.get(name)?.resolve();
  await Promise.all(rest);
});
