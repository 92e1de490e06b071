import { expect, test } from "vitest";
import { createBuildQueue } from "../../../runtime/bundle/build-queue.ts";
import type { HandlerFile } from "../../../runtime/discover/handler-file.ts";

const file = (name: string): HandlerFile => ({ name, path: `/${name}.ts`, displayPath: `${name}.ts` });

/** A queue whose runs end when told to. */
function controlled(mostRuns: number, mostTogether: number) {
  const started: string[][] = [];
  const ends: (() => void)[] = [];
  const queue = createBuildQueue<string>({
    mostRuns,
    mostTogether,
    build: async (files) => {
      started.push(files.map(({ name }) => name));
      await new Promise<void>((resolve) => ends.push(resolve));
      return files.map(({ path }) => `built ${path}`);
    },
  });
  return { queue, started, endNext: () => ends.shift()?.() };
}

test("few handlers are built one by one and no more at a time than allowed", async () => {
  const { queue, started, endNext } = controlled(2, 50);
  const first = queue.add(file("a"));
  const second = queue.add(file("b"));
  await Promise.resolve();
  expect(started).toEqual([["a"], ["b"]]);
  const third = queue.add(file("c"));
  await Promise.resolve();
  expect(started).toHaveLength(2);
  endNext();
  expect(await first).toBe("built /a.ts");
  await Promise.resolve();
  expect(started[2]).toEqual(["c"]);
  endNext();
  endNext();
  expect(await Promise.all([second, third])).toEqual(["built /b.ts", "built /c.ts"]);
});

test("many handlers are built together, in bounded groups", async () => {
  const { queue, started, endNext } = controlled(2, 3);
  const all = ["a", "b", "c", "d", "e", "f", "g"].map((name) => queue.add(file(name)));
  await Promise.resolve();
  expect(started).toEqual([
    ["a", "b", "c"],
    ["d", "e", "f"],
  ]);
  endNext();
  await all[0];
  endNext();
  await all[3];
  await Promise.resolve();
  expect(started[2]).toEqual(["g"]);
  endNext();
  expect(await all[6]).toBe("built /g.ts");
});

test("a handler is never built twice at a time, and calls that wait share one build of the latest file", async () => {
  const { queue, started, endNext } = controlled(4, 50);
  const first = queue.add(file("a"));
  await Promise.resolve();
  const second = queue.add(file("a"));
  const third = queue.add({ name: "a", path: "/a.js", displayPath: "a.js" });
  await Promise.resolve();
  expect(started).toEqual([["a"]]);
  endNext();
  await first;
  await Promise.resolve();
  expect(started).toEqual([["a"], ["a"]]);
  endNext();
  expect([await second, await third]).toEqual(["built /a.js", "built /a.js"]);
});

test("what must not meet a build waits for it, and holds back the next", async () => {
  const { queue, started, endNext } = controlled(4, 50);
  const order: string[] = [];
  const first = queue.add(file("a")).then(() => order.push("built"));
  await Promise.resolve();
  const action = queue.whileIdle("a", async () => void order.push("action"));
  const second = queue.add(file("a"));
  endNext();
  await Promise.all([first, action]);
  expect(order).toEqual(["built", "action"]);
  await Promise.resolve();
  expect(started).toHaveLength(2);
  endNext();
  await second;
  await queue.drain();
});
